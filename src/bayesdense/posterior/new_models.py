"""Models that a posterior has not seen, as the codes and numbers that its model is written in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.data import Dataset
from bayesdense.data.cells import DAYS_PER_YEAR
from bayesdense.errors import BayesdenseError
from bayesdense.model import Design
from bayesdense.model.cells import cell_losses
from bayesdense.model.design import drift_years, order_scores
from bayesdense.model.families import KINDS
from bayesdense.model.observation import (
    expected_scores,
    harness_shift,
    item_variance,
    source_sd,
)
from bayesdense.model.ruler import Ruler
from bayesdense.model.trend import differences, line
from bayesdense.parts.trends.base import factor_of
from bayesdense.posterior.draws import Columns, Draws, ruler_of
from bayesdense.posterior.log_density import given_logits, of_cells
from bayesdense.spec import DENSITY_SIZE

__all__ = ["UNKNOWN", "Likelihood", "NewModels", "arranged"]

UNKNOWN = -1
"""Code of a family, a developer or a harness that the posterior does not know."""

# A harness that is not known moves a logit by its standard deviation times these: the rectangle
# rule, of steps that are fine against what a score says of a logit. Two in one cell have fewer
# points each, and more are not allowed.
OFFSETS = {1: np.linspace(-3.5, 3.5, 15), 2: np.linspace(-3.5, 3.5, 9)}


# Draws times points that are looked at in one call.
ROWS = 2000


@dataclass(frozen=True)
class NewModels:
    """New targets under the model of a fit.

    Attributes
    ----------
    design : Design
        That of the fit, with the cells and scores of the new models in the
        place of its own.
    table : pandas.DataFrame
        Rows of the models table, in the order of the codes.
    years : numpy.ndarray, shape (model,)
        ``t - t0``, ``t0`` being that of the fit; NaN without a date.
    since_family : numpy.ndarray, shape (model,)
        By how many years later than its family on average a model was released.
    family, developer : numpy.ndarray of int, shape (model,)
        Codes of the fit, `UNKNOWN` where it has none of that name.
    strangers : numpy.ndarray of int, shape (score,)
        Which of the unknown harnesses of its cell measured a score, from 0 on;
        `UNKNOWN` where the fit knows the harness on this benchmark.
    """

    design: Design
    table: pd.DataFrame
    years: np.ndarray
    since_family: np.ndarray
    family: np.ndarray
    developer: np.ndarray
    strangers: np.ndarray

    def __len__(self) -> int:
        """Return the number of models."""
        return len(self.table)

    def cells_of(self, model: int) -> np.ndarray:
        """Return the codes of the cells of a model, in the order of benchmarks."""
        return np.flatnonzero(self.design.arrays["cell_model"] == model)

    def log_size(self, draws: Draws) -> np.ndarray:
        """Return ``ln(N/N*)`` as the model counts sizes.

        Parameters
        ----------
        draws : Draws
            Posterior draws.

        Returns
        -------
        numpy.ndarray, shape (draw, model)
        """
        size = self.design.spec.size
        found = np.broadcast_to(
            size.log_size(self.table) - self.design.log_size_centre, (draws.count, len(self))
        )
        if multipliers := size.design(self.table):
            columns = Columns(draws)
            found = found + size.log_multiplier(multipliers, {n: columns[n] for n in multipliers})
        return np.asarray(found)

    def from_2e10(self, draws: Draws) -> np.ndarray:
        """Return ``ln N - ln 2e10``, shape (draw, model)."""
        return self.log_size(draws) + self.design.log_size_centre - np.log(DENSITY_SIZE)

    def on_line(self, draws: Draws) -> np.ndarray:
        """Return where the trend has the log density of models of their dates and sizes.

        Parameters
        ----------
        draws : Draws
            Posterior draws.

        Returns
        -------
        numpy.ndarray, shape (draw, model)
            Without effects of families; NaN without a date.
        """
        trend = self.design.spec.trend
        found = line(Columns(draws), self.design.arrays, trend, self._dates, self.from_2e10(draws))
        return np.where(self._dated, found, np.nan)

    def expected(self, draws: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return what is expected of log density before any score is seen.

        Parameters
        ----------
        draws : Draws
            Posterior draws.

        Returns
        -------
        mean, sd : numpy.ndarray, shape (draw, model)
            Of the Normal part: the line, growth within the family, what is
            known of family and developer, and the spread of what is not.
        lag : numpy.ndarray, shape (draw, model), or None
            Scale of the half-normal lag that is taken off.
        """
        trend, columns = self.design.spec.trend, Columns(draws)
        shape = draws.count, len(self)
        sd, lag = trend.scales(self._of_trend(draws), self._dates)
        factor = self._factor(draws)
        mean, variance = self.on_line(draws), np.broadcast_to(np.asarray(sd), shape) ** 2
        if "within_family_growth" in draws:
            mean = mean + columns["within_family_growth"] * self.since_family
        for kind, code in self._groups(draws):
            effect = draws[f"{kind}_effect"][:, np.maximum(code, 0)]
            mean = mean + np.where(code >= 0, factor * effect, 0.0)
        sd = np.sqrt(variance + self.of_unknown(draws) ** 2)
        return mean, sd, None if lag is None else np.broadcast_to(lag, shape)

    def of_unknown(self, draws: Draws) -> np.ndarray:
        """Return how much families and developers that are not known add to log density.

        Parameters
        ----------
        draws : Draws
            Posterior draws.

        Returns
        -------
        numpy.ndarray, shape (draw, model)
            A standard deviation, part of that of `expected`.
        """
        factor, variance = self._factor(draws), np.zeros((draws.count, len(self)))
        for kind, code in self._groups(draws):
            spread = factor * Columns(draws)[f"{kind}_effect_sd"]
            variance = variance + np.where(code >= 0, 0.0, spread**2)
        return np.sqrt(variance)

    def siblings(self) -> list[np.ndarray]:
        """Return the codes of models in groups: those of one unknown family, or single ones."""
        groups: dict[Any, list[int]] = {}
        for m, name in enumerate(self.table["family"]):
            groups.setdefault(name if self.family[m] == UNKNOWN else m, []).append(m)
        return [np.array(group) for group in groups.values()]

    def _of_trend(self, draws: Draws) -> dict[str, np.ndarray]:
        trend, columns = self.design.spec.trend, Columns(draws)
        values = {n: columns[n] for n in ("growth_rate", *trend.priors()) if n in draws}
        return values | {name: self.design.arrays[name] for name in trend.constants}

    def _factor(self, draws: Draws) -> np.ndarray:
        found = factor_of(self.design.spec.trend, self._of_trend(draws), self._dates)
        return np.broadcast_to(found, (draws.count, len(self)))

    def on_benchmarks(self, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
        """Return what a benchmark adds to the log effective size, and how far a cell deviates.

        Parameters
        ----------
        draws : Draws
            Posterior draws.

        Returns
        -------
        mean, sd : numpy.ndarray, shape (draw, cell)
            Given the log density of the model: what is known of the benchmark,
            of the family and the developer on it; and the spread of the rest.
        """
        model, benchmark = (self.design.arrays[f"cell_{n}"] for n in ("model", "benchmark"))
        mean = np.zeros((draws.count, len(model)))
        found = differences(draws, self._dates[None, :], self.from_2e10(draws))
        if found is not None:
            mean = mean + found[:, model, benchmark]
        variance = draws["cell_effect_sd"][:, benchmark] ** 2
        for kind, code in self._groups(draws):
            name, own = f"{kind}_benchmark_effect", code[model]
            if name not in draws:
                continue
            effect = draws[name][:, np.maximum(own, 0), benchmark]
            mean = mean + np.where(own >= 0, effect, 0.0)
            spread = Columns(draws)[f"{name}_sd"]
            variance = variance + np.where(own >= 0, 0.0, spread**2)
        return mean, np.sqrt(variance)

    @property
    def _dated(self) -> np.ndarray:
        return ~np.isnan(self.years)

    @property
    def _dates(self) -> np.ndarray:
        return np.where(self._dated, self.years, 0.0)

    def _groups(self, draws: Draws) -> Iterator[tuple[str, np.ndarray]]:
        codes = {"family": self.family, "developer": self.developer}
        for kind in KINDS:
            if f"{kind}_effect" in draws:
                yield kind, codes[kind]


class Likelihood:
    """The density of the scores of some cells as a function of their effective sizes.

    Offsets of harnesses that are not known are integrated out, by cell.

    Parameters
    ----------
    new : NewModels
        New models.
    draws : Draws
        Posterior draws.
    cells : numpy.ndarray of int
        Which cells.
    """

    def __init__(self, new: NewModels, draws: Draws, cells: np.ndarray) -> None:
        self.new, self.cells, self.draws = new, cells, draws
        self.part = of_cells(new.design, cells)
        self.ruler: Ruler = ruler_of(draws, self.part)
        kept = np.isin(new.design.arrays["score_cell"], cells)
        strangers = new.strangers[kept]
        # The unknown harnesses of a cell come after those that the fit knows.
        self.unknown = int(strangers.max(initial=UNKNOWN)) + 1
        if self.unknown:
            known = self.draws["harness_offset"].shape[1]
            harness = np.where(strangers >= 0, known + strangers, self.part.arrays["score_harness"])
            self.part.arrays["score_harness"] = harness

    def logit(self, x: np.ndarray) -> np.ndarray:
        """Return the logits on the average harness, shape (draw, cell)."""
        zero = np.zeros(1)
        loss = cell_losses(self.ruler, self.part.arrays, x, zero, zero)
        return np.asarray(self.ruler.logit(loss, self.part.arrays["cell_benchmark"]))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return log densities.

        Parameters
        ----------
        x : numpy.ndarray
            ``ln(N_eff/N*)``, of a shape that broadcasts to (draw, cell).

        Returns
        -------
        numpy.ndarray, shape (draw, cell)
        """
        logit = self.logit(x)
        if not self.unknown:
            return given_logits(logit, self.draws, self.ruler, self.part)
        total, points = np.full(logit.shape, -np.inf), OFFSETS[self.unknown]
        for offsets in product(points, repeat=self.unknown):
            here = given_logits(logit, self.with_offsets(offsets), self.ruler, self.part)
            total = np.logaddexp(total, here - 0.5 * np.sum(np.square(offsets)))
        each = np.log(points[1] - points[0]) - 0.5 * np.log(2 * np.pi)
        return total + self.unknown * each

    def on_grid(self, points: np.ndarray) -> np.ndarray:
        """Return log densities at points that all draws share.

        Parameters
        ----------
        points : numpy.ndarray, shape (point, cell)
            ``ln(N_eff/N*)``.

        Returns
        -------
        numpy.ndarray, shape (draw, point, cell)
        """
        count, (n_points, n_cells) = self.draws.count, points.shape
        # Several points at a time, each with all draws: few calls of arrays that fit in a cache.
        each = min(max(1, ROWS // count), n_points)
        several = Likelihood(
            self.new, self.draws.taken(np.tile(np.arange(count), each)), self.cells
        )
        found = np.empty((n_points, count, n_cells))
        for first in range(0, n_points, each):
            # The last ones again, where fewer are left.
            at = slice(min(first, n_points - each), min(first, n_points - each) + each)
            found[at] = several(np.repeat(points[at], count, axis=0)).reshape(each, count, n_cells)
        return found.transpose(1, 0, 2)

    def replicated(
        self, x: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what new scores like those that were measured would be.

        Parameters
        ----------
        x : numpy.ndarray, shape (draw, cell)
            ``ln(N_eff/N*)``.
        random : numpy.random.Generator
            For offsets of harnesses that are not known.

        Returns
        -------
        mean, sd : numpy.ndarray, shape (draw, score)
            Of each score by itself.
        """
        arrays = self.part.arrays
        draws: Mapping[str, np.ndarray] = self.draws
        if self.unknown:
            shape = draws["harness_offset_sd"].shape
            draws = self.with_offsets([random.standard_normal(shape) for _ in range(self.unknown)])
        shift = harness_shift(draws, arrays)
        latent, mean = expected_scores(self.ruler, self.logit(x), shift, arrays)
        items = item_variance(latent, arrays["cell_items"], self.part.spec)
        source = source_sd(draws, latent, arrays["cell_benchmark"]) ** 2
        return mean, np.sqrt(items + source)[:, arrays["score_cell"]]

    def with_offsets(self, offsets: Any) -> Mapping[str, np.ndarray]:
        """Return the draws with rows for harnesses that are not known.

        Parameters
        ----------
        offsets : sequence of array_like
            For each the offset in standard deviations; numbers, or of shape
            (draw, benchmark).

        Returns
        -------
        mapping of str to numpy.ndarray
        """
        known = self.draws["harness_offset"]
        # Offsets are from the mean over the harnesses that measured a benchmark.
        count = np.maximum(self.part.arrays["harness_measured"].sum(axis=0), 1.0)
        sd = self.draws["harness_offset_sd"] * np.sqrt(1.0 + 1.0 / count)
        rows = np.stack([sd * offset for offset in offsets], axis=1)
        return _Replaced(self.draws, "harness_offset", np.concatenate([known, rows], axis=1))


class _Replaced(Mapping[str, np.ndarray]):
    """Draws of which one variable is another."""

    def __init__(self, draws: Mapping[str, np.ndarray], name: str, values: np.ndarray) -> None:
        self._draws, self._name, self._values = draws, name, values

    def __getitem__(self, name: str) -> np.ndarray:
        return self._values if name == self._name else self._draws[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._draws)

    def __len__(self) -> int:
        return len(self._draws)

    def __contains__(self, name: object) -> bool:
        return name in self._draws


def arranged(data: Dataset, design: Design, draws: Draws) -> NewModels:
    """Arrange new models, all targets, for the posterior of a fit.

    Parameters
    ----------
    data : Dataset
        New models and their scores, on benchmarks of the fit.
    design : Design
        That of the fit.
    draws : Draws
        Its posterior draws.

    Returns
    -------
    NewModels
        Models in the order of their table.

    Raises
    ------
    BayesdenseError
        If too many harnesses that the fit does not know measured one cell.
    """
    table = data.models.reset_index(drop=True)
    scores = order_scores(data.scores, list(table["model"]), list(design.coords["benchmark"]))
    cells = scores.drop_duplicates("cell")
    years = np.zeros(len(table))
    if design.spec.has_growth:
        released = table["release_date"].to_numpy(dtype="datetime64[s]")
        known = ~np.isnat(released)
        years = np.full(len(table), np.nan)
        since = (released[known] - design.mean_date) / np.timedelta64(1, "D")
        years[known] = since / DAYS_PER_YEAR
    benchmark = cells["benchmark_code"].to_numpy()
    harness = pd.Index(design.coords["harness"]).get_indexer(pd.Index(scores["harness"]))
    of_score = scores["benchmark_code"].to_numpy()
    seen = (harness >= 0) & (design.arrays["harness_measured"][harness, of_score] > 0)
    arrays = {n: v for n, v in design.arrays.items() if not n.startswith(("cell_", "score_"))}
    budget = design.arrays["benchmark_known"] * design.arrays["tokens_budget"]
    arrays |= {
        "cell_model": cells["model_code"].to_numpy(),
        "cell_benchmark": benchmark,
        "cell_ruler": design.ruler[benchmark],
        "cell_scale": np.ones(len(cells)),
        "cell_tokens": budget[benchmark],
        "cell_items": scores.groupby("cell")["n_items"].mean().to_numpy(),
        "score_cell": scores["cell"].to_numpy(),
        "score_benchmark": of_score,
        "score_harness": np.where(seen, harness, 0),
        "score_before": scores["before"].to_numpy(dtype=float),
        "score_first": scores["first"].to_numpy(),
        "score_observed": scores["score"].to_numpy(dtype=float),
    }
    for name in design.spec.law.covariates:
        arrays[f"cell_{name}"] = np.zeros(len(cells))
    if design.spec.harness_drift is not None:
        dates = np.nan_to_num(years)
        arrays["score_drift_years"] = drift_years(scores, dates, design.spec.harness_drift)
    differ = "harness_offset_sd" in draws
    strangers = _strangers(scores, ~seen) if differ else np.full(len(scores), UNKNOWN)
    if strangers.max(initial=UNKNOWN) >= max(OFFSETS):
        row = scores[strangers == strangers.max()].iloc[0]
        raise BayesdenseError(
            f"'{row['model']}' has scores on {row['benchmark']} by more than {max(OFFSETS)} "
            "harnesses that the fit does not know there: leave some out, or give them one harness"
        )
    return NewModels(
        design=replace(design, arrays=arrays, scores=scores),
        table=table,
        years=years,
        since_family=_since_family(years, table["family"], design),
        family=_codes(table["family"], design.coords["family"]),
        developer=_codes(table["developer"], design.coords["developer"]),
        strangers=strangers,
    )


def _codes(names: pd.Series, known: list[str]) -> np.ndarray:
    return np.asarray(pd.Index(known, dtype=object).get_indexer(pd.Index(names, dtype=object)))


def _strangers(scores: pd.DataFrame, unknown: np.ndarray) -> np.ndarray:
    """Return numbers of the unknown harnesses of each cell, from 0 on."""
    found = np.full(len(scores), UNKNOWN)
    own = scores[unknown]
    found[unknown] = own.groupby("cell")["harness"].transform(lambda names: pd.factorize(names)[0])
    return found


def _since_family(years: np.ndarray, family: pd.Series, design: Design) -> np.ndarray:
    """Return by how much later than its family on average a model came.

    That average is of the models of the fit; of the new ones in a family that it does not know.
    """
    dated = design.size("dated_target")
    of_fit = np.array(design.coords["family"], dtype=object)
    own = of_fit[design.arrays["family_code"][:dated]]
    known = pd.Series(design.arrays["target_years"][:dated]).groupby(own).mean()
    new = pd.Series(years).groupby(family.to_numpy()).mean()
    average = family.map(known).fillna(family.map(new)).to_numpy(dtype=float)
    return np.nan_to_num(years - average)
