"""New models in the posterior of a fit: what their scores say of them, without another fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.data import Dataset
from bayesdense.data.html import card
from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.fit.base import Fit
from bayesdense.model import Design
from bayesdense.posterior.intervals import PROB, check_prob
from bayesdense.posterior.new_models import arranged
from bayesdense.posterior.placing import PlacedModels, place_all
from bayesdense.posterior.weights import HIGH_K
from bayesdense.spec import ModelSpec, require_growth
from bayesdense.tables.density import count_text
from bayesdense.tables.growth import months_text
from bayesdense.tables.placement import (
    placed_density_table,
    placed_score_table,
    placed_size_table,
    placed_trend_table,
)

__all__ = ["Placement", "new_models", "place_models"]

PRIORS, WEIGHTS = ("trend", "none"), ("ruler", "fitted")
NO_HARNESS = "unknown harness"
# Weights of fewer draws say nothing of their tail; p-values below this are not told apart.
FEWEST_WEIGHED, LEAST_P = 100, 0.001


@dataclass(frozen=True)
class Placement:
    """New models in the posterior of a fit, draw by draw of what all models share.

    Attributes
    ----------
    data : Dataset
        The new models and their scores.
    of : str
        The fit, in one line.
    prior : {"trend", "none"}
        What was expected of their densities before their scores were seen.
    weights : {"ruler", "fitted"}
        Whether draws were left as they are, or weighed by the new scores.
    pareto_k, ess : float
        Of the weights; 0 and the number of draws where they were left as they are.
    growth_shift : float
        By how much the weights move the mean growth rate, per year; 0 without weights,
        NaN without a trend.
    kind : str
        What intervals are, and what the fit approximated.
    """

    data: Dataset
    of: str
    prior: str
    weights: str
    pareto_k: float
    ess: float
    growth_shift: float
    kind: str
    _placed: PlacedModels

    def density(self, *, prob: float = PROB) -> pd.DataFrame:
        """Return the capability density of each new model (eq. 1), and its rank.

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``model``, ``family``, ``release_date``, ``size``, ``median``,
            ``lower``, ``upper``, ``prob``, ``kind``; ``share_of_prior``, how much
            of the mean log density is what was expected (0 to 1);
            ``rank``, ``rank_lower``, ``rank_upper`` among the targets of the fit, 1
            being the densest; and ``of``, how many they are with this one.
        """
        return placed_density_table(self._placed, check_prob(prob)).assign(kind=self.kind)

    def effective_size(self, *, by: str = "model", prob: float = PROB) -> pd.DataFrame:
        """Return the effective parameter size of each new model (eq. 4).

        Parameters
        ----------
        by : {"model", "benchmark"}
            One row for each model, or for each model on each of its benchmarks.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns as of `DensityFit.effective_size`.
        """
        if by not in ("model", "benchmark"):
            raise BayesdenseError(f"by must be 'model' or 'benchmark', not {by!r}")
        return placed_size_table(self._placed, check_prob(prob), by).assign(kind=self.kind)

    def against_trend(self, *, prob: float = PROB) -> pd.DataFrame:
        """Return by how many months each new model is ahead of the trend at its date.

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``model``, ``family``, ``release_date``, ``size``, ``median``,
            ``lower``, ``upper`` (months; negative is behind), ``prob``, ``kind``,
            ``unit``, ``p_above_trend``.

        Raises
        ------
        BayesdenseError
            If the fit has no trend, or a model no date, or one that the trend says
            nothing of.
        """
        require_growth(self._placed.fitted.spec, "a place on the trend")
        _require_dates(self.data, "a place on the trend needs")
        _require_on_trend(self.data, self._placed.fitted)
        return placed_trend_table(self._placed, check_prob(prob)).assign(kind=self.kind)

    def scores(self, *, prob: float = PROB) -> pd.DataFrame:
        """Return every score beside what the model's scores on other benchmarks predict.

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``model``, ``benchmark``, ``source``, ``harness``, ``score``,
            ``median``, ``lower``, ``upper`` (predicted), ``prob``, ``kind``,
            ``deviation`` (score less median), ``inside``, ``p_value`` (two-sided)
            and ``out_of_line``: ``"too good"`` or ``"too poor"`` where the p-value
            is below 0.01, which may be contamination, another harness or a slip;
            else empty. The only score
            of a model is predicted by the prior of its density; without
            that it cannot be.
        """
        return placed_score_table(self._placed, check_prob(prob)).assign(kind=self.kind)

    def headline(self, *, prob: float = PROB) -> str:
        """Return what there is to say of each model, in words.

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        str
            A few lines for each model.
        """
        lines = []
        density, size, scores = (
            self.density(prob=prob),
            self.effective_size(prob=prob),
            self.scores(prob=prob),
        )
        trend = None
        if not _off_trend(self.data, self._placed.fitted):
            trend = self.against_trend(prob=prob)
        for m, (d, n) in enumerate(
            zip(density.to_dict("records"), size.to_dict("records"), strict=True)
        ):
            beyond = ", extrapolated beyond the references" if n["outside_reference"] else ""
            lines.append(
                f"{d['model']}: effective size {count_text(n['median'])} "
                f"({100 * prob:g} % {n['kind']} interval {count_text(n['lower'])} to "
                f"{count_text(n['upper'])}){beyond}"
            )
            lines.append(
                f"  density {d['median']:.3g} ({d['lower']:.3g} to {d['upper']:.3g}), "
                f"rank {d['rank']} of {d['of']} ({d['rank_lower']} to {d['rank_upper']})"
            )
            if trend is not None:
                lines.append(f"  {_months_ahead(trend.iloc[m])}")
            if self.prior == "trend":
                share = 100 * d["share_of_prior"]
                lines.append(f"  weight of what was expected before its scores: {share:.0f} %")
            own = scores[scores["model"].eq(d["model"]) & scores["out_of_line"].ne("")]
            only = scores.loc[scores["model"].eq(d["model"]), "benchmark"].nunique() == 1
            expected = "what was expected" if only else "what its other scores predict"
            lines.extend(
                f"  {row['benchmark']} {row['score']:.3g} is {row['out_of_line']} for {expected}, "
                f"{row['median']:.3g} ({row['lower']:.3g} to {row['upper']:.3g}); "
                + ("p < 0.001" if row["p_value"] < LEAST_P else f"p = {row['p_value']:.3f}")
                for row in own.to_dict("records")
            )
            if d["model"] in self._placed.fitted.coords["model"]:
                lines.append("  (the fit has it, and its scores, already)")
        if self.pareto_k > HIGH_K:
            lines.append(
                "The weights of these scores are not to be relied on (Pareto k "
                f"{self.pareto_k:.2f}, above {HIGH_K}): fit the models with the others."
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the headline, and what it was placed in."""
        return f"Placement in {self.of}\n{self.headline()}"

    def _repr_html_(self) -> str:
        """Return the headline as a card for a notebook."""
        table = self.density()
        return card(f"Placement in {self.of}", self.headline(), "Density", table=table)


def _named(fit: Fit[ModelSpec]) -> str:
    """Return what a fit is of, and where it is from, if it was not made by its user."""
    shipped = fit.info.shipped_with
    return f"'{fit.data.name}'" + (f", the fit shipped with {shipped}" if shipped else "")


def _months_ahead(row: pd.Series) -> str:
    side = "ahead of" if row["median"] >= 0 else "behind"
    low, high = (
        f"{months_text(abs(end))} {'ahead' if end >= 0 else 'behind'}"
        for end in (row["lower"], row["upper"])
    )
    return (
        f"{months_text(abs(row['median']))} months {side} the trend at its date and size "
        f"({low} to {high}), P(ahead) = {row['p_above_trend']:.3f}"
    )


def new_models(
    fit: Fit[ModelSpec], models: Any, scores: Any, columns: Mapping[str, Any], harness: str | None
) -> Dataset:
    """Return new models and their scores as a dataset with benchmarks of the fit.

    Parameters
    ----------
    fit : Fit
        Its data say what benchmarks are.
    models : Dataset, pandas.DataFrame or None
        Several models, or None for one.
    scores : pandas.DataFrame or mapping of str to float or None
        Their scores.
    columns : mapping of str to object
        Of the models table, for one model; None where nothing is known.
    harness : str, optional
        That of scores that name none.

    Returns
    -------
    Dataset

    Raises
    ------
    BayesdenseError
        If something is missing or not allowed.
    """
    given = {name: value for name, value in columns.items() if value is not None}
    if isinstance(models, Dataset):
        if scores is not None or harness is not None or set(given) - {"model"}:
            raise BayesdenseError("a dataset has models and scores: give nothing besides")
        frame = models.models[~models.models["is_reference"]]
        table = models.scores[models.scores["model"].isin(frame["model"])]
    elif models is not None:
        if set(given) - {"model"}:
            raise BayesdenseError(
                f"a table of models has its columns: {', '.join(sorted(set(given) - {'model'}))} "
                "is for one model"
            )
        frame, table = models, scores
        if not isinstance(frame, pd.DataFrame) or not isinstance(table, pd.DataFrame):
            raise BayesdenseError(
                "models and scores of several models are two DataFrames, the second with the "
                "columns model, benchmark and score"
            )
    else:
        for name, what in (
            ("n_params", "how many parameters the model has"),
            ("model", "what it is called"),
        ):
            if name not in given:
                raise BayesdenseError(f"{name} is missing: {what}")
        frame, table = pd.DataFrame([given]), _scores_of_one(scores, given["model"])
    if not len(table):
        raise BayesdenseError(
            f"no score at all: give scores on at least one of {', '.join(_benchmarks(fit))}"
        )
    return _checked(fit, frame, table, harness)


def _benchmarks(fit: Fit[ModelSpec]) -> list[str]:
    return list(fit._design.coords["benchmark"])


def _scores_of_one(scores: Any, model: str) -> pd.DataFrame:
    if isinstance(scores, pd.DataFrame):
        if "model" in scores and scores["model"].ne(model).any():
            raise BayesdenseError(
                f"scores of one model have rows of {scores['model'].iloc[0]!r}: choose those of "
                "one, leave out the column, or give a table of models too"
            )
        return scores.assign(model=model)
    if isinstance(scores, pd.Series):
        scores = scores.to_dict()
    if scores is None:
        return pd.DataFrame({"model": [], "benchmark": [], "score": []})
    if not isinstance(scores, Mapping):
        raise BayesdenseError(
            'scores are a mapping such as {"MMLU": 0.7}, or a DataFrame with the columns '
            f"benchmark and score, not a {type(scores).__name__}"
        )
    return pd.DataFrame({"model": model, "benchmark": list(scores), "score": list(scores.values())})


def _checked(
    fit: Fit[ModelSpec], models: pd.DataFrame, scores: pd.DataFrame, harness: str | None
) -> Dataset:
    """Return checked tables, on benchmarks that the fit has."""
    known = _benchmarks(fit)
    if "benchmark" in scores:
        for name in dict.fromkeys(scores["benchmark"]):
            if name not in known:
                error = UnknownNameError.of("benchmark", str(name), known)
                raise UnknownNameError(
                    f"{error.args[0]} The fit says nothing of a benchmark that it does not have: "
                    "leave it out to place the model by its other scores."
                )
    benchmarks = fit.data.benchmarks
    named = (
        scores["harness"] if "harness" in scores else pd.Series(None, scores.index, dtype=object)
    )
    scores = scores.assign(harness=named.fillna(harness or NO_HARNESS))
    data = Dataset.from_frames(
        models=_with_developers(fit, models),
        benchmarks=benchmarks[benchmarks["benchmark"].isin(known)],
        scores=scores,
        name="new models",
    )
    without = set(data.models["model"]) - set(data.scores["model"])
    if without:
        raise BayesdenseError(
            f"no score at all for {', '.join(sorted(without))}: give scores on at least one of "
            f"{', '.join(known)}"
        )
    return data


def _with_developers(fit: Fit[ModelSpec], models: pd.DataFrame) -> pd.DataFrame:
    """Return the models with the developers that the fit knows their families by."""
    if "family" not in models:
        return models
    pairs = fit.data.models[["family", "developer"]].drop_duplicates()
    # A family of several developers says nothing of which.
    one_each = pairs[~pairs["family"].duplicated(keep=False)].set_index("family")["developer"]
    found = models["family"].map(one_each)
    if "developer" in models:
        found = models["developer"].fillna(found)
    return models.assign(developer=found)


def _off_trend(data: Dataset, design: Design) -> str:
    """Return why the trend says nothing of the models; empty where it does."""
    released = data.models["release_date"]
    if not design.spec.has_growth:
        return "the fit has no trend"
    if released.isna().any():
        return "a model has no release date"
    fitted = design.models["release_date"][: design.size("dated_target")]
    by_date = data.models.sort_values("release_date")
    first, last = (f"'{by_date['model'].iloc[i]}' was released on" for i in (0, -1))
    if released.min() < fitted.min():
        return (
            f"{first} {released.min():%Y-%m-%d}, before all models of the fit (from "
            f"{fitted.min():%Y-%m-%d} on), and its trend says nothing of that time"
        )
    if design.spec.trend.name == "smooth" and released.max() > fitted.max():
        return (
            f"{last} {released.max():%Y-%m-%d}, after all models of the fit (to "
            f"{fitted.max():%Y-%m-%d}), where a smooth trend has no line yet"
        )
    return ""


def _require_on_trend(data: Dataset, design: Design) -> None:
    if reason := _off_trend(data, design):
        raise BayesdenseError(reason)


def _require_dates(data: Dataset, what: str) -> None:
    undated = data.models.loc[data.models["release_date"].isna(), "model"]
    if len(undated):
        raise BayesdenseError(
            f"{what} the release_date of {', '.join(undated)}; without one, use prior='none'"
        )


def _check_settings(
    fit: Fit[ModelSpec], prior: Any, weights: Any, draws: Any, random_seed: Any
) -> None:
    if prior not in PRIORS:
        raise BayesdenseError(f"prior must be 'trend' or 'none', not {prior!r}")
    if weights not in WEIGHTS:
        raise BayesdenseError(f"weights must be 'ruler' or 'fitted', not {weights!r}")
    if weights == "fitted" and prior == "none":
        raise BayesdenseError("weights='fitted' needs prior='trend', as a fit has it")
    least = FEWEST_WEIGHED if weights == "fitted" else 1
    for name, value, lowest in (("draws", draws, least), ("random_seed", random_seed, 0)):
        if type(value) is bool or not (isinstance(value, Integral) and int(value) >= lowest):
            raise BayesdenseError(f"{name} must be a whole number from {lowest} up, not {value!r}")
    if weights == "fitted" and fit._draws.count < FEWEST_WEIGHED:
        raise BayesdenseError(
            f"weights='fitted' needs a fit of {FEWEST_WEIGHED} draws at least; this one has "
            f"{fit._draws.count}"
        )
    if fit.spec.date_sd:
        raise BayesdenseError(
            "models are not placed where dates are uncertain (date_sd) yet: fit without it, or fit "
            "them with the others"
        )
    if fit.spec.observation != "normal":
        raise BayesdenseError(
            f"models are placed where observation='normal', not {fit.spec.observation!r}: only "
            "then is the density of scores known with their items left out"
        )


def place_models(
    fit: Fit[ModelSpec], data: Dataset, *, prior: str, weights: str, draws: int, random_seed: int
) -> Placement:
    """Place new models in the posterior of a fit.

    Parameters
    ----------
    fit : Fit
        The fit.
    data : Dataset
        What `new_models` returned.
    prior, weights, draws, random_seed
        As for `DensityFit.place`.

    Returns
    -------
    Placement

    Raises
    ------
    BayesdenseError
        If something is not allowed, or a model cannot be placed.
    """
    _check_settings(fit, prior, weights, draws, random_seed)
    design = fit._design
    if prior == "trend" and fit.spec.has_growth:
        _require_dates(data, "the trend as prior needs")
        if reason := _off_trend(data, design):
            raise BayesdenseError(f"{reason}: use prior='none'")
    known = set(data.models["model"]) & set(design.coords["model"])
    if weights == "fitted" and known:
        raise BayesdenseError(
            f"the fit has {', '.join(sorted(known))} already: weighed by the same scores again it "
            "would count them twice"
        )
    chosen = fit._draws.at_most(draws)
    placed = place_all(
        arranged(data, design, chosen),
        design,
        chosen,
        with_trend=prior == "trend",
        as_fitted=weights == "fitted",
        random=np.random.default_rng(random_seed),
    )
    shift = float("nan")
    if "growth_rate" in chosen:
        shift = float(placed.draws["growth_rate"].mean() - chosen["growth_rate"].mean())
    return Placement(
        data=data,
        of=f"{_named(fit)}, ruler of {fit.ruler_name}, {placed.draws.count} draws",
        prior=prior,
        weights=weights,
        pareto_k=placed.pareto_k,
        ess=placed.ess,
        growth_shift=shift,
        kind=fit.interval_kind,
        _placed=placed,
    )
