"""The dataset as the names, codes and numbers that a model is written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.data import Dataset
from bayesdense.data.cells import DAYS_PER_YEAR
from bayesdense.model.loss_data import covariate, losses_of_cells, require_tokens, used_losses
from bayesdense.spec import ModelSpec, RulerSpec

__all__ = ["Design", "drift_years", "make_design", "order_scores"]

MONTHS_PER_YEAR = 12.0
# Years: releases of one day have dates that differ by rounding only.
SAME_DATE = 1e-6


@dataclass(frozen=True)
class Design:
    """Names, codes and numbers of one dataset under one model.

    Targets come first and references after them wherever models are numbered;
    targets with a date come before those without. Without a trend no date is
    read: there are neither dated nor undated targets, and all years are 0.
    Rulers are numbered with the loss sets that have losses first, then the
    benchmarks that have scores only, each of which has a ruler of its own.

    Attributes
    ----------
    coords : dict of str to list
        Labels of the named dimensions.
    arrays : dict of str to numpy.ndarray
        Everything numeric that the model reads, by name; names, codes
        and measured quantities.
    mean_date : numpy.datetime64
        ``t0``, the mean release date of the dated targets; the epoch where
        there are none, or no trend.
    log_size_centre, log_tokens_centre : float
        ``ln N*`` and ``ln D*``, the means over the reference runs (over all
        models where there are none); the second is NaN where no tokens are
        known.
    has_losses : numpy.ndarray of bool, shape (benchmark,)
        Which benchmarks are read through observed losses.
    ruler : numpy.ndarray of int, shape (benchmark,)
        The ruler of each benchmark.
    mean_loss, sd_loss : numpy.ndarray, shape (loss_set,)
        Mean and standard deviation of the observed losses.
    lowest_loss : numpy.ndarray, shape (loss_set,)
        Lowest observed loss: most scores of interest are near it.
    chance, items_of_benchmark : numpy.ndarray, shape (benchmark,)
        Score of guessing, and number of items.
    models, scores : pandas.DataFrame
        The rows that are used, in the order of the codes.
    notes : list of str
        What a user should know about how the data were used.
    size_design : dict of str to numpy.ndarray
        What the factor of the size definition reads, by coefficient.
    spec : RulerSpec
        The model; a `ModelSpec` where there are targets.
    """

    coords: dict[str, list[Any]]
    arrays: dict[str, np.ndarray]
    mean_date: np.datetime64
    log_size_centre: float
    log_tokens_centre: float
    has_losses: np.ndarray
    ruler: np.ndarray
    mean_loss: np.ndarray
    lowest_loss: np.ndarray
    sd_loss: np.ndarray
    chance: np.ndarray
    items_of_benchmark: np.ndarray
    models: pd.DataFrame
    scores: pd.DataFrame
    notes: list[str]
    size_design: dict[str, np.ndarray]
    spec: Any

    def size(self, dim: str) -> int:
        """Return the length of a named dimension.

        Parameters
        ----------
        dim : str
            Name of the dimension.

        Returns
        -------
        int
        """
        return len(self.coords[dim])

    @property
    def on_line(self) -> str:
        """The dimension of the targets on the line: the dated ones, or all without a trend."""
        growing = isinstance(self.spec, ModelSpec) and self.spec.has_growth
        return "dated_target" if growing else "target"

    @property
    def loss_sets(self) -> list[str]:
        """The loss sets that have losses and are used."""
        return list(self.coords["loss_set"])


def make_design(data: Dataset, spec: RulerSpec, *, with_target_harnesses: bool = False) -> Design:
    """Arrange a dataset for a model.

    Parameters
    ----------
    data : Dataset
        With references, targets and the core benchmarks.
    spec : RulerSpec
        Decides the size definition, the token budget and the reference's
        residuals. Without a trend, that is for a ruler on its own, targets and
        what only they were scored on are left out.
    with_target_harnesses : bool
        For a ruler on its own: whether to centre harness offsets on all
        harnesses of the data, and to use only losses that some benchmark is
        read through, as a density model does; the two rulers are then
        comparable.

    Returns
    -------
    Design

    Raises
    ------
    ReadinessError
        If a reference run that is read through losses has no token count.
    """
    benchmarks = data.core_benchmarks
    if isinstance(spec, ModelSpec) and spec.ruler == "skill":
        data = data.without_references()
    if isinstance(spec, ModelSpec):
        return _make_design(data, benchmarks, spec, data.scores, only_read=True)
    own, scored = _references_only(data, benchmarks)
    harnesses = data.scores if with_target_harnesses else own.scores
    return _make_design(own, scored, spec, harnesses, only_read=with_target_harnesses)


def _make_design(
    data: Dataset,
    benchmarks: list[str],
    spec: RulerSpec,
    harness_scores: pd.DataFrame,
    *,
    only_read: bool,
) -> Design:
    table = data.benchmarks.set_index("benchmark").loc[benchmarks]
    scores = data.scores[data.scores["benchmark"].isin(benchmarks)]
    notes: list[str] = []
    wanted = list(dict.fromkeys(table["loss_set"]))
    if not only_read:
        # A law can be fitted to losses that predict no benchmark.
        wanted += [k for k in dict.fromkeys(data.losses["loss_set"]) if k not in wanted]
    losses = used_losses(data, wanted, spec.law, notes)
    # Without a trend no date is read, and all targets lie on the line, which is a level.
    reads_dates = not isinstance(spec, ModelSpec) or spec.has_growth
    models = _order_models(
        data.models, set(scores["model"]), set(losses["model"]), by_date=reads_dates
    )
    references = models["is_reference"].to_numpy()
    n_targets = int((~references).sum())
    loss_sets = [k for k in wanted if k in set(losses["loss_set"])]
    has_losses = table["loss_set"].isin(loss_sets).to_numpy(dtype=bool)
    ruler = np.array(
        [
            loss_sets.index(k) if known else len(loss_sets) + int((~has_losses)[:j].sum())
            for j, (k, known) in enumerate(zip(table["loss_set"], has_losses, strict=True))
        ],
        dtype=int,
    )

    log_size = spec.size.log_size(models)
    # Without references the ruler is centred on all models.
    log_size_centre = float(log_size[references if references.any() else ~references].mean())
    log_tokens = np.log(models["n_tokens"].to_numpy(dtype=float))
    log_tokens_centre = float("nan")
    if loss_sets:
        require_tokens(models, scores, losses, table[has_losses].index.tolist())
        runs = references & models["model"].isin(set(losses["model"])).to_numpy()
        log_tokens_centre = float(log_tokens[runs].mean())

    mean_date, years = _years(models.loc[~references, "release_date"], reads_dates)
    n_dated = len(years)

    scores = order_scores(scores, models["model"].tolist(), benchmarks)
    harnesses, measured = _measured(harness_scores, benchmarks)
    score_harness = pd.Index(harnesses).get_indexer(pd.Index(scores["harness"]))

    cells = scores.drop_duplicates("cell")
    cell_model = cells["model_code"].to_numpy()
    cell_benchmark = cells["benchmark_code"].to_numpy()
    cell_reference = references[cell_model]
    items = scores.groupby("cell")["n_items"].mean().to_numpy()
    tokens_budget, run_tokens = 0.0, np.zeros(len(models))
    if loss_sets:
        tokens_budget = np.log(spec.tokens) - log_tokens_centre
        run_tokens = np.where(np.isnan(log_tokens), 0.0, log_tokens - log_tokens_centre)
    cell_tokens = np.where(cell_reference, run_tokens[cell_model], tokens_budget)
    # A ruler without losses does not depend on tokens.
    cell_tokens = np.where(has_losses[cell_benchmark], cell_tokens, 0.0)

    groups, of_families = _families(models[~references], years, spec)
    reference_family, reference_families = pd.factorize(models.loc[references, "family"])
    loss_stats = losses.groupby("loss_set")["loss"].agg(["mean", "min", "std"]).reindex(loss_sets)
    mean_loss, lowest_loss, sd_loss = loss_stats.to_numpy(dtype=float).T

    arrays: dict[str, np.ndarray] = {
        "years": np.asarray(years, dtype=float) if reads_dates else np.zeros(n_targets),
        "log_size_centre": np.array(log_size_centre),
        "relative_log_size": log_size - log_size_centre,
        "target_years": np.concatenate([years, np.zeros(n_targets - n_dated)]),
        "reference_family_code": reference_family,
        "reference_residual": np.array(spec.reference_residual),
        "tokens_budget": np.array(tokens_budget),
        "cell_model": cell_model,
        "cell_benchmark": cell_benchmark,
        "cell_ruler": ruler[cell_benchmark],
        "cell_scale": np.where(cell_reference, spec.reference_cell_scale, 1.0),
        "cell_tokens": cell_tokens,
        "cell_items": items,
        "score_cell": scores["cell"].to_numpy(),
        "score_benchmark": scores["benchmark_code"].to_numpy(),
        "score_harness": score_harness,
        "score_first": scores["first"].to_numpy(),
        "score_before": scores["before"].to_numpy(dtype=float),
        "score_observed": scores["score"].to_numpy(dtype=float),
        "harness_measured": measured,
    }
    design = spec.size.design(models)
    arrays |= {f"size_{name}": values for name, values in design.items()}
    arrays |= of_families | _drift(scores, arrays["target_years"], spec)
    arrays |= _trend_constants(spec, mean_date, arrays["years"])
    if loss_sets:
        tokens = run_tokens[n_targets:]
        arrays |= _loss_arrays(losses, models, loss_sets, tokens, n_targets)
        arrays |= losses_of_cells(arrays, len(models), ruler, len(loss_sets))
        for name in spec.law.covariates:
            values = covariate(models, references, name, spec.law.name)
            arrays[f"loss_{name}"] = values[arrays["loss_model"]]
            arrays[f"cell_{name}"] = values[cell_model]
    chance = table["chance"].to_numpy(dtype=float)
    arrays |= {
        "benchmark_ruler": ruler,
        "benchmark_known": has_losses.astype(float),
        "known_benchmarks": np.flatnonzero(has_losses),
        "unknown_benchmarks": np.flatnonzero(~has_losses),
        # Where each benchmark is once those with losses come first.
        "benchmark_place": np.argsort(np.argsort(~has_losses, kind="stable")),
    }
    names = models["model"].tolist()
    coords: dict[str, list[Any]] = {
        "model": names,
        "target": names[:n_targets],
        "dated_target": names[:n_dated],
        "undated_target": names[n_dated:n_targets] if reads_dates else [],
        "reference": names[n_targets:],
        **groups,
        "bend": list(range(len(arrays.get("bend_years", ())))),
        "reference_family": list(reference_families),
        "benchmark": benchmarks,
        "harness": harnesses,
        "loss_set": loss_sets,
        "cell": _cell_names(names, benchmarks, cell_model, cell_benchmark),
        "score_id": list(range(len(scores))),
        "loss_id": list(range(len(losses) if loss_sets else 0)),
    }
    return Design(
        coords=coords,
        arrays=arrays,
        mean_date=mean_date,
        log_size_centre=log_size_centre,
        log_tokens_centre=log_tokens_centre,
        has_losses=has_losses,
        ruler=ruler,
        mean_loss=mean_loss,
        lowest_loss=lowest_loss,
        sd_loss=sd_loss,
        chance=chance,
        items_of_benchmark=table["n_items"].to_numpy(dtype=float),
        models=models,
        scores=scores,
        notes=notes,
        size_design=design,
        spec=spec,
    )


def _cell_names(
    models: list[str], benchmarks: list[str], model: np.ndarray, benchmark: np.ndarray
) -> list[str]:
    """Return model and benchmark of every cell, as tables and messages name it."""
    return [f"{models[i]}, {benchmarks[j]}" for i, j in zip(model, benchmark, strict=True)]


def _measured(scores: pd.DataFrame, benchmarks: list[str]) -> tuple[list[str], np.ndarray]:
    """Return the harnesses, and 1 where one measured a benchmark, shape (harness, benchmark)."""
    used = scores[scores["benchmark"].isin(benchmarks)]
    harnesses = sorted(used["harness"].unique())
    measured = np.zeros((len(harnesses), len(benchmarks)))
    by_harness = pd.Index(harnesses).get_indexer(pd.Index(used["harness"]))
    measured[by_harness, pd.Index(benchmarks).get_indexer(pd.Index(used["benchmark"]))] = 1.0
    return harnesses, measured


def _loss_arrays(
    losses: pd.DataFrame,
    models: pd.DataFrame,
    loss_sets: list[str],
    tokens: np.ndarray,
    n_targets: int,
) -> dict[str, np.ndarray]:
    """Return run, loss set, tokens and logarithm of every measured loss."""
    run = pd.Index(models["model"]).get_indexer(pd.Index(losses["model"]))
    return {
        "loss_set_code": pd.Index(loss_sets).get_indexer(pd.Index(losses["loss_set"])),
        "loss_tokens": tokens[run - n_targets],
        "loss_observed": np.log(losses["loss"].to_numpy(dtype=float)),
        "loss_model": run,
    }


def _references_only(data: Dataset, benchmarks: list[str]) -> tuple[Dataset, list[str]]:
    """Return only the references, and the benchmarks that they were scored on."""
    tables = data.tables
    own = Dataset(tables.keep_models(tables.models["is_reference"].to_numpy()), name=data.name)
    scored = set(own.scores["benchmark"])
    return own, [b for b in benchmarks if b in scored]


def _order_models(
    models: pd.DataFrame, scored: set[str], with_losses: set[str], *, by_date: bool
) -> pd.DataFrame:
    """Return scored targets (dated first) and then the references that inform the ruler."""
    informs = models["is_reference"] & models["model"].isin(with_losses)
    models = models[models["model"].isin(scored) | informs]
    undated = models["release_date"].isna() & by_date
    order = np.lexsort((undated, models["is_reference"]))
    return models.iloc[order].reset_index(drop=True)


def order_scores(scores: pd.DataFrame, models: list[str], benchmarks: list[str]) -> pd.DataFrame:
    """Sort scores by cell, and number the cells and the scores within each.

    Parameters
    ----------
    scores : pandas.DataFrame
        Rows of the scores table.
    models, benchmarks : list of str
        In the order of their codes.

    Returns
    -------
    pandas.DataFrame
        With ``model_code``, ``benchmark_code``, ``cell``, ``before``, how many
        scores of the cell come before, and ``first``, the row of its first.
    """
    scores = scores.assign(
        model_code=pd.Index(models).get_indexer(pd.Index(scores["model"])),
        benchmark_code=pd.Index(benchmarks).get_indexer(pd.Index(scores["benchmark"])),
    )
    scores = scores.sort_values(
        ["model_code", "benchmark_code", "harness", "source"], kind="stable"
    )
    scores = scores.reset_index(drop=True)
    groups = scores.groupby(["model_code", "benchmark_code"], sort=True)
    before = groups.cumcount()
    return scores.assign(
        cell=groups.ngroup(), before=before, first=np.arange(len(scores)) - before.to_numpy()
    )


def _years(released: pd.Series, reads_dates: bool) -> tuple[np.datetime64, np.ndarray]:
    """Return ``t0``, and ``t - t0`` of the targets that have a date, which come first."""
    known = released.notna().to_numpy() & reads_dates
    dates = released.to_numpy(dtype="datetime64[s]")[known]
    mean_date = _mean_date(dates)
    return mean_date, (dates - mean_date) / np.timedelta64(1, "D") / DAYS_PER_YEAR


def _families(
    targets: pd.DataFrame, years: np.ndarray, spec: RulerSpec
) -> tuple[dict[str, list[str]], dict[str, np.ndarray]]:
    """Return families, developers and releases, and their codes, as far as the model reads them.

    Dates of one family and day, a release, are wrong together. ``family_years`` is how far each
    date is from the mean date of its family, and ``family_mean`` turns errors of dates into their
    means over families.
    """
    code, families = pd.factorize(targets["family"])
    groups: dict[str, list[str]] = {"family": list(families), "developer": [], "release": []}
    found: dict[str, np.ndarray] = {"family_code": code}
    if not isinstance(spec, ModelSpec):
        return groups, found
    # Where no developer has two families, effects of developers would keep their prior.
    if spec.families == "nested" and (targets.groupby("developer")["family"].nunique().max() > 1):
        found["developer_code"], labels = pd.factorize(targets["developer"])
        groups["developer"] = list(labels)
        # Of a family of several developers one of them: only the sampler's coordinates read it.
        found["developer_of_family"] = np.zeros(len(families), dtype=int)
        found["developer_of_family"][code] = found["developer_code"]
    own = code[: len(years)]
    count = np.maximum(np.bincount(own, minlength=len(families)), 1)
    since = years - (np.bincount(own, years, len(families)) / count)[own]
    # Likewise growth within families where none has models of two dates.
    within = spec.within_families and bool(spec.families) and spec.has_growth
    if within := within and bool((np.abs(since) > SAME_DATE).any()):
        found["family_years"] = since
    if spec.date_sd and spec.has_growth:
        dated = targets[: len(years)]
        days = dated["release_date"].dt.strftime("%Y-%m-%d")
        found["release_code"], labels = pd.factorize(dated["family"] + ", " + days)
        groups["release"] = list(labels)
        found["date_sd"] = np.array(spec.date_sd / MONTHS_PER_YEAR)
        if within:
            # From errors of releases to their means over families, for each target.
            same = own == own[:, None]
            found["family_mean"] = same / same.sum(axis=0)
    return groups, found


def _trend_constants(
    spec: RulerSpec, mean_date: np.datetime64, years: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the constants of the trend, some of which may depend on the dates of the targets."""
    if not isinstance(spec, ModelSpec):
        return {}
    found = {n: np.array(v) for n, v in spec.trend.constant_values(mean_date).items()}
    dated = getattr(spec.trend, "dated_constants", None)
    return found if dated is None else found | dated(years)


def _drift(scores: pd.DataFrame, years: np.ndarray, spec: RulerSpec) -> dict[str, np.ndarray]:
    if not isinstance(spec, ModelSpec) or spec.harness_drift is None:
        return {}
    return {"score_drift_years": drift_years(scores, years, spec.harness_drift)}


def drift_years(scores: pd.DataFrame, years: np.ndarray, harness: str) -> np.ndarray:
    """Return when the models of the scores of a harness were released, as reported.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns ``model_code`` and ``harness``.
    years : numpy.ndarray, shape (target,)
        ``t - t0``, 0 for targets without a date.
    harness : str
        The harness that drifts.

    Returns
    -------
    numpy.ndarray, shape (score,)
        0 for scores of references and of other harnesses.
    """
    model = scores["model_code"].to_numpy()
    own = (model < len(years)) & scores["harness"].eq(harness).to_numpy()
    return np.where(own, years[np.where(own, model, 0)], 0.0)


def _mean_date(dates: np.ndarray) -> np.datetime64:
    """Return the mean of some dates; the epoch where there are none."""
    if not len(dates):
        return np.datetime64("1970-01-01", "s")
    seconds = dates.astype("datetime64[s]").astype(np.int64).mean()
    return np.datetime64(round(float(seconds)), "s")
