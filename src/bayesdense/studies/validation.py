"""Predict what a fit has not seen: later models, whole families, developers and benchmarks."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.data import Dataset
from bayesdense.data.atomic import write_text
from bayesdense.data.cells import parse_dates
from bayesdense.data.html import card
from bayesdense.data.select import Day
from bayesdense.errors import BayesdenseError
from bayesdense.model import Design
from bayesdense.models import DensityModel
from bayesdense.posterior.diagnostics import worst
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.log_density import log_densities
from bayesdense.sampler.initial_points import spread_out
from bayesdense.sampler.nuts import SamplingInterrupted
from bayesdense.sampler.settings import Run, SamplingSettings
from bayesdense.studies.keys import key_of, store_at
from bayesdense.studies.units import units_of, withhold
from bayesdense.tables.scores import LEVELS, replicate_scores

__all__ = ["Validation", "leave_future_out", "leave_groups_out", "replicated_coverage"]

KEPT_DRAWS = 1000
GROUPS = ("family", "developer", "benchmark")
DENSITY_LEVEL = 0.9


class Validation:
    """How well what was left out was predicted.

    `leave_future_out` and `leave_groups_out` make one.

    Attributes
    ----------
    notes : list of str
        What was not left out, and why.
    """

    def __init__(
        self,
        summary: pd.DataFrame,
        scores: pd.DataFrame,
        densities: pd.DataFrame,
        notes: list[str],
    ) -> None:
        self._summary, self._scores, self._densities = summary, scores, densities
        self.notes = notes

    def summary(self) -> pd.DataFrame:
        """Return one row for each group that was left out, and one for all.

        Returns
        -------
        pandas.DataFrame
            Columns ``left_out``, ``models``, ``scores``, ``inside_50``,
            ``inside_80``, ``inside_90`` (share of its scores inside predictive
            intervals), ``p_50``, ``p_80``, ``p_90`` (how often as small a
            share or a smaller one is to be expected, see `replicated_coverage`;
            missing for all groups together), ``width_90`` (median width, in
            score), ``elpd`` (sum of log predictive densities of cells),
            ``densities_inside_90`` (share
            of its models whose density, as estimated from all data, lies
            inside the interval predicted without them), ``rhat``, ``ess``,
            ``divergences``, ``trusted``.
        """
        return self._summary.copy()

    def scores(self) -> pd.DataFrame:
        """Return one row for each score that was left out.

        Returns
        -------
        pandas.DataFrame
            Columns ``left_out``, ``model``, ``benchmark``, ``score``,
            ``median``, ``lower`` and ``upper`` of the 90 % predictive
            interval.
        """
        return self._scores.copy()

    def densities(self) -> pd.DataFrame:
        """Return one row for each model of which all scores were left out.

        Returns
        -------
        pandas.DataFrame
            Columns ``left_out``, ``model``, ``release_date``, ``median``,
            ``lower``, ``upper`` (density predicted without it, 90 %),
            ``estimate`` (median from all data).
        """
        return self._densities.copy()

    def __repr__(self) -> str:
        """Return the summary and the notes."""
        text = self._summary.to_string(index=False, float_format=lambda v: f"{v:.3g}")
        return "\n".join([text, *self.notes])

    def _repr_html_(self) -> str:
        """Return the summary and the notes for a notebook."""
        trusted = bool(self._summary["trusted"].all())
        verdict = "" if trusted else "Some of the fits are not to be trusted."
        return card("Prediction of what was left out", verdict, *self.notes, table=self._summary)


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How the fits of a validation are sampled.

    Attributes
    ----------
    settings : SamplingSettings
        How to sample each.
    store : pathlib.Path, optional
        Where results are kept.
    progressbar : bool
        Whether to show how far it is.
    """

    settings: SamplingSettings
    store: Path | None
    progressbar: bool


def leave_future_out(
    model: DensityModel,
    data: Dataset,
    until: Day | Sequence[Day],
    *,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int = 1,
    target_accept: float | None = None,
    store: str | os.PathLike[str] | None = None,
    progressbar: bool = True,
) -> Validation:
    """Fit to what was released up to a day, and predict what came after.

    Parameters
    ----------
    model : DensityModel
        The model; with Normal noise between sources.
    data : Dataset
        With dated targets on both sides of each day.
    until : str or date, or list of these
        Last days of what is fitted, texts in ISO form; one fit for each.
    draws, tune, chains, cores, random_seed, target_accept
        How to sample each fit.
    store : path-like, optional
        Folder for what each fit gave, as for `sensitivity`.
    progressbar : bool
        Whether to show how far it is.

    Returns
    -------
    Validation
        References stay, whenever they were released; targets without a date
        take no part, and a note says how many.

    Raises
    ------
    BayesdenseError
        If a day is none, or leaves nothing on one side.

    Examples
    --------
    >>> import bayesdense as bd
    >>> data = bd.load_dataset("densing5").select(since="2023-02-01", min_benchmarks=3)
    >>> found = bd.studies.leave_future_out(
    ...     bd.DensityModel(), data, "2024-06-30"
    ... )  # doctest: +SKIP
    """
    sampling = Sampling(
        SamplingSettings(
            draws=draws,
            tune=tune,
            chains=chains,
            cores=cores,
            random_seed=random_seed,
            target_accept=target_accept,
        ),
        store_at(store),
        progressbar,
    )
    days = list(until) if isinstance(until, list | tuple) else [until]
    if not days:
        raise BayesdenseError("until must be a day, or a list of at least one")
    model.check(data)
    undated = data.targets["release_date"].isna()
    notes = []
    if undated.any():
        # They may have come after any day.
        notes.append(f"{int(undated.sum())} targets have no date, and were left out of every fit.")
        data = data.select(models=data.targets["model"][~undated].tolist())
        model.check(data)
    units = units_of(model.make_design(data))
    released = data.models.set_index("model")["release_date"].reindex(units["model"])
    groups = {}
    for day in days:
        parsed, faults = parse_dates([day])
        if faults or np.isnat(parsed[0]):
            raise BayesdenseError(f"until={day!r} is not a day: allowed is an ISO day, 2024-06-30")
        later = (released > pd.Timestamp(parsed[0])).to_numpy() & _of_targets(units)
        groups[f"after {pd.Timestamp(parsed[0]):%Y-%m-%d}"] = later
        if not later.any() or later[_of_targets(units)].all():
            raise BayesdenseError(f"until={day!r} leaves no target on one side of it")
    return _validate(model, data, units, groups, notes, sampling)


def leave_groups_out(
    model: DensityModel,
    data: Dataset,
    by: str = "family",
    *,
    smallest: int = 2,
    developers: Mapping[str, str] | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int = 1,
    target_accept: float | None = None,
    store: str | os.PathLike[str] | None = None,
    progressbar: bool = True,
) -> Validation:
    """Leave families, developers or benchmarks out in turn, and predict their scores.

    Parameters
    ----------
    model : DensityModel
        The model; with Normal noise between sources.
    data : Dataset
        The data; only scores of targets are left out.
    by : {"family", "developer", "benchmark"}
        What is left out in turn. Without the targets of a benchmark its ruler
        is still known, from references.
    smallest : int
        Fewest models of a family or developer that is left out.
    developers : mapping of str to str, optional
        Developer by family, in the place of the column ``developer`` of the
        models.
    draws, tune, chains, cores, random_seed, target_accept
        How to sample each fit.
    store : path-like, optional
        Folder for what each fit gave, as for `sensitivity`.
    progressbar : bool
        Whether to show how far it is.

    Returns
    -------
    Validation

    Raises
    ------
    BayesdenseError
        If `by` is not one of these, or nothing can be left out.
    """
    sampling = Sampling(
        SamplingSettings(
            draws=draws,
            tune=tune,
            chains=chains,
            cores=cores,
            random_seed=random_seed,
            target_accept=target_accept,
        ),
        store_at(store),
        progressbar,
    )
    if by not in GROUPS:
        raise BayesdenseError(f"by must be one of {', '.join(map(repr, GROUPS))}, not {by!r}")
    model.check(data)
    units = units_of(model.make_design(data))
    if by == "benchmark":
        labels = units["of"]
    elif by == "family":
        labels = units["family"]
    else:
        given = dict(developers or {})
        pairs = zip(units["family"], units["developer"], strict=True)
        labels = pd.Series([given.get(family, usual) for family, usual in pairs])
    targets = _of_targets(units)
    groups, notes = {}, []
    for label in dict.fromkeys(labels[targets]):
        group = (labels == label).to_numpy() & targets
        if by != "benchmark" and units.loc[group, "model"].nunique() < smallest:
            continue
        if (group == targets).all():
            notes.append(f"{label} was not left out: no target is left without it.")
            continue
        groups[str(label)] = group
    if not groups:
        raise BayesdenseError(f"no {by} can be left out: {' '.join(notes) or 'all are too small'}")
    return _validate(model, data, units, groups, notes, sampling)


def _of_targets(units: pd.DataFrame) -> np.ndarray:
    return ((units["quantity"] == "score") & ~units["is_reference"]).to_numpy()


def _validate(
    model: DensityModel,
    data: Dataset,
    units: pd.DataFrame,
    groups: Mapping[str, np.ndarray],
    notes: list[str],
    sampling: Sampling,
) -> Validation:
    if model.spec.ruler == "cut":
        raise BayesdenseError("a cut ruler has no joint density to predict with: ruler='joint'")
    settings, folder = sampling.settings, sampling.store
    design = model.make_design(data)
    found = {}
    for label, group in {"nothing": np.zeros(len(units), dtype=bool), **groups}.items():
        left_out = np.flatnonzero(group).tolist()
        key = key_of(data.digest, model.spec, settings, "validation, replicated", left_out)
        file = None if folder is None else folder / f"{key}.json"
        if file is not None and file.exists():
            found[label] = json.loads(file.read_text())
            continue
        run = Run(settings, f"without {label}", sampling.progressbar)
        found[label] = _fitted(model, design, group, run)
        if file is not None:
            write_text(file, json.dumps(found[label]))
    everything = found.pop("nothing")
    if not everything["fit"]["trusted"]:
        notes = [*notes, "The fit to all data, which gives the estimates, is not to be trusted."]
    targets = design.models["model"].tolist()[: design.size("target")]
    estimates = dict(zip(targets, everything["estimates"], strict=True))
    scores, densities, rows = [], [], []
    for label, result in found.items():
        scores.append(pd.DataFrame(result["scores"]).assign(left_out=label))
        own = pd.DataFrame(result["densities"])
        own["estimate"] = own["model"].map(estimates)
        densities.append(own.assign(left_out=label))
        rows.append(_row(label, scores[-1], densities[-1]) | result["fit"])
    table = pd.DataFrame(rows)
    if len(rows) > 1:
        together = _row("all of these", pd.concat(scores), pd.concat(densities))
        together |= {
            "elpd": table["elpd"].sum(),
            "rhat": table["rhat"].max(),
            "ess": table["ess"].min(),
            "divergences": int(table["divergences"].sum()),
            "trusted": bool(table["trusted"].all()),
        }
        table = pd.concat([table, pd.DataFrame([together])], ignore_index=True)
    return Validation(
        table, pd.concat(scores, ignore_index=True), pd.concat(densities, ignore_index=True), notes
    )


def _fitted(
    model: DensityModel,
    design: Design,
    group: np.ndarray,
    run: Run,
) -> dict[str, Any]:
    """Return plain values: what was predicted of the group, and how the fit went."""
    withheld = withhold(design, group) if group.any() else design
    drawn = model.sample_design(withheld, run)
    if drawn.result.interrupted:
        raise SamplingInterrupted(f"interrupted {run.label}: this fit is lost")
    posterior = drawn.result.posterior
    found = worst(posterior, drawn.free)
    divergences = int(drawn.result.sample_stats["diverging"].sum())
    fit: dict[str, Any] = {
        **found._asdict(),
        "divergences": divergences,
        "trusted": found.good and not divergences,
    }
    draws = Draws(spread_out(posterior, KEPT_DRAWS))
    targets = design.size("target")
    density = np.exp(draws["log_density"][:, :targets])
    if not group.any():
        return {"fit": fit, "estimates": np.median(density, axis=0).tolist()}
    # All scores, read as the draws were made.
    whole = dataclasses.replace(design, lowest_loss=withheld.lowest_loss)
    n_losses = len(design.coords["loss_id"])
    cells = group[n_losses:]
    shown = cells[design.arrays["score_cell"]]
    replicated = replicate_scores(draws, whole, new_cells=True)[:, shown]
    table = design.scores.loc[shown, ["model", "benchmark", "score"]].reset_index(drop=True)
    observed = design.arrays["score_observed"][shown]
    for level in LEVELS:
        low, high = np.quantile(replicated, [(1 - level) / 2, (1 + level) / 2], axis=0)
        inside = (observed >= low) & (observed <= high)
        table[f"inside_{100 * level:.0f}"] = inside
        fit[f"p_{100 * level:.0f}"] = replicated_coverage(replicated, low, high, inside)
    table = table.assign(median=np.median(replicated, axis=0), lower=low, upper=high)
    from scipy.special import logsumexp

    elpd = log_densities(draws, whole, group)
    fit["elpd"] = float((logsumexp(elpd, axis=0) - np.log(len(elpd))).sum())
    # Models of which nothing is left: of others, scores on other benchmarks are still there.
    seen = set(withheld.scores["model"])
    gone = [i for i in range(targets) if design.models["model"].iloc[i] not in seen]
    low, middle, high = np.quantile(
        density[:, gone], [(1 - DENSITY_LEVEL) / 2, 0.5, (1 + DENSITY_LEVEL) / 2], axis=0
    )
    models = design.models.iloc[gone]
    densities = pd.DataFrame(
        {
            "model": models["model"].to_numpy(),
            "release_date": models["release_date"].dt.strftime("%Y-%m-%d").to_numpy(),
            "median": middle,
            "lower": low,
            "upper": high,
        }
    )
    return {
        "fit": fit,
        "scores": table.to_dict("list"),
        "densities": densities.to_dict("list"),
    }


def replicated_coverage(
    replicated: np.ndarray, low: np.ndarray, high: np.ndarray, inside: np.ndarray
) -> float:
    """Return how often as few scores or fewer lie inside their intervals if the model is right.

    Scores that are predicted together share errors: of growth, of their family, of the ruler.
    So the share inside varies much more than that of independent ones, and 0.7 where 0.9 is
    meant may be nothing unusual. Each draw of all scores together is held against
    the same intervals.

    Parameters
    ----------
    replicated : numpy.ndarray, shape (draw, score)
        Joint predictive draws.
    low, high : numpy.ndarray, shape (score,)
        Ends of the intervals.
    inside : numpy.ndarray of bool, shape (score,)
        Which of the observed scores lie inside.

    Returns
    -------
    float
        The share of draws with as many inside or fewer. Near 0, intervals are too narrow or in
        the wrong place; where many draws have all inside, 1 is what is to be expected.

    Examples
    --------
    >>> draws = np.repeat(np.array([[-1.0], [0.0], [0.0], [0.0]]), 5, axis=1)
    >>> low, high = np.full(5, -0.5), np.full(5, 0.5)
    >>> replicated_coverage(draws, low, high, np.array([True, True, False, False, False]))
    0.25
    """
    count = ((replicated >= low) & (replicated <= high)).sum(axis=1)
    return float((count <= inside.sum()).mean())


def _row(label: str, scores: pd.DataFrame, densities: pd.DataFrame) -> dict[str, Any]:
    inside = densities["estimate"].between(densities["lower"], densities["upper"])
    return {
        "left_out": label,
        "models": scores["model"].nunique(),
        "scores": len(scores),
        **{f"inside_{100 * k:.0f}": scores[f"inside_{100 * k:.0f}"].mean() for k in LEVELS},
        "width_90": (scores["upper"] - scores["lower"]).median(),
        "densities_inside_90": inside.mean() if len(densities) else np.nan,
    }
