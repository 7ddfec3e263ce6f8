"""A fitted density model: draws, tables, checks, and how they were made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from bayesdense.data.html import card
from bayesdense.errors import BayesdenseError
from bayesdense.fit.base import Fit
from bayesdense.fit.placement import Placement, new_models, place_models
from bayesdense.model import Design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import PROB, TABLE_SEED, check_prob
from bayesdense.sampler.warm_start import WarmStart
from bayesdense.spec import ModelSpec, RulerSpec, require_growth
from bayesdense.tables.density import (
    above_reference,
    density_table,
    effective_size_table,
    log_effective_sizes,
    plug_in_table,
    trend_table,
)
from bayesdense.tables.growth import (
    Rate,
    doubling_time_table,
    growth_table,
    months_text,
    rates,
    rates_at,
)
from bayesdense.tables.loss_law import coefficient_table
from bayesdense.tables.parameters import reach_table

if TYPE_CHECKING:
    import xarray as xr

    from bayesdense.data import Dataset

__all__ = ["DensityFit"]

INTERVAL = ("median", "lower", "upper")
PER_YEAR = "1/year"
DENSEST_NAMED, DENSEST_SHOWN = 3, 10
"""Of a fit without a trend, how many models a headline names and a notebook shows."""


class DensityFit(Fit[ModelSpec]):
    """The posterior of a `DensityModel`, with tables, checks and provenance.

    A fit is made by `DensityModel.fit` or read by `load_fit`. Its attributes
    are ``posterior``, ``sample_stats``, ``data``, ``spec`` and ``info``: draws
    by name with dimensions ``chain`` and ``draw`` first, rates per year,
    logarithms natural. Besides, ``reference_posterior`` has draws of the
    ruler from the references only, or is None.
    """

    kind: ClassVar[str] = "density"
    _spec_class: ClassVar[type[RulerSpec]] = ModelSpec
    headline_names: ClassVar[tuple[str, ...]] = (
        "growth_rate",
        "growth_rate_by_benchmark",
        "log_density",
    )
    _single_names: ClassVar[frozenset[str]] = Fit._single_names | {
        "family_effect",
        "family_benchmark_effect",
        "developer_effect",
        "developer_benchmark_effect",
        "model_effect",
        "undated_log_density",
        "date_error",
    }

    def __init__(self, *, reference_posterior: xr.Dataset | None = None, **parts: Any) -> None:
        super().__init__(**parts)
        self.reference_posterior = reference_posterior

    @cached_property
    def _rates(self) -> list[Rate]:
        require_growth(self.spec, "a growth rate or doubling time")
        return rates(self._draws, self._design)

    def __repr__(self) -> str:
        """Return the headline, never without the verdict on it."""
        trend = f"{self.spec.trend.name} trend" if self.spec.has_growth else "no trend"
        made = f"{trend}, {self._draws_in_words}"
        return (
            f"DensityFit of '{self.data.name}' on the ruler of {self.ruler_name} ({made})\n"
            f"{self._headline(PROB)}\n{self._report.verdict}"
        )

    def _repr_html_(self) -> str:
        """Return the headline, never without the verdict on it, for a notebook."""
        if self.spec.has_growth:
            columns = ["estimator", "period", "benchmark", *INTERVAL, "p_growth"]
            table, what = self.doubling_time()[columns], "Doubling time in months"
        else:
            columns = ["model", "family", "size", *INTERVAL, "outside_reference"]
            table = self._densest(PROB).head(DENSEST_SHOWN)[columns]
            what = f"Density of the densest {len(table)} models"
        title, *_ = repr(self).split("\n")
        about = f"{what}, {100 * PROB:g} % {self.interval_kind} intervals"
        return card(title, self._report.verdict, about, table=table)

    def warm_start(self) -> WarmStart:
        """Return what another fit can take from this one.

        Returns
        -------
        WarmStart
            Small; `DensityModel.fit` takes it as ``warm_start`` in place of
            the fit.
        """
        # An approximation is no posterior of these data, so that pilots are needed all the same.
        digest = f"subset of {self.data.digest}" if self.approximation else self.data.digest
        return WarmStart.of(self.posterior, self._design, digest)

    def headline(self, *, prob: float = PROB) -> str:
        """Return the doubling time over all benchmarks in words; without a trend, densities.

        Parameters
        ----------
        prob : float
            Probability of the interval.

        Returns
        -------
        str
            One line for each estimator and period; without a trend, how many
            models have a density, and a line for each of the densest three.
            Below them the verdict, where the posterior is not to be trusted.
        """
        lines = self._headline(prob)
        return lines if self._report.trusted else f"{lines}\n{self._report.verdict}"

    def _headline(self, prob: float) -> str:
        if not self.spec.has_growth:
            return self._densities_in_words(prob)
        table = self.doubling_time(prob=prob)
        table = table[table["benchmark"] == "all benchmarks"]
        lines = []
        for row in table.to_dict("records"):
            period = "" if row["period"] == "all dates" else f" {row['period']}"
            # An envelope rises whatever densities do.
            sure = "" if math.isnan(row["p_growth"]) else f", P(growth) = {row['p_growth']:.3f}"
            lines.append(
                f"doubling time, {row['estimator']}{period}: {months_text(row['median'])} months "
                f"({100 * prob:.0f} % {row['kind']} interval {months_text(row['lower'])} to "
                f"{months_text(row['upper'])}){sure}"
            )
        return "\n".join(lines)

    def _densest(self, prob: float) -> pd.DataFrame:
        """Return the densities of the targets, the highest first."""
        table = self.density(prob=prob)
        table = table[~table["is_reference"]]
        return table.sort_values("median", ascending=False, kind="stable", ignore_index=True)

    def _densities_in_words(self, prob: float) -> str:
        table = self._densest(prob)
        lines = [f"densities without a trend in time: {len(table)} models"]
        for row in table.head(DENSEST_NAMED).to_dict("records"):
            beyond = ", extrapolated" if row["outside_reference"] else ""
            lines.append(
                f"density of {row['model']}: {row['median']:.3g} ({100 * prob:.0f} % "
                f"{row['kind']} interval {row['lower']:.3g} to {row['upper']:.3g}){beyond}"
            )
        return "\n".join(lines)

    def doubling_time(self, *, prob: float = PROB) -> pd.DataFrame:
        """Return the doubling time of density, in months of 365.25/12 days.

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            One row for each estimator, period and benchmark, with ``all
            benchmarks`` first and a ``new benchmark`` where growth differs
            between them. Columns ``estimator``, ``period``, ``benchmark``,
            ``median``, ``lower``, ``upper`` (infinite where density may not
            grow), ``prob``, ``kind``, ``p_growth`` (posterior probability of
            growth; NaN for an envelope, which rises whatever densities do),
            ``undefined`` (share of draws without a slope), ``unit``.

        Raises
        ------
        BayesdenseError
            If the model has no trend.
        """
        if (stored := self._table("doubling_time", prob)) is not None:
            return stored
        return self._named(doubling_time_table(self._rates, prob=prob))

    def growth(
        self, *, at: Sequence[Any] | None = None, unit: str = PER_YEAR, prob: float = PROB
    ) -> pd.DataFrame:
        """Return the growth rate of log density: ``A`` of equation 5.

        Parameters
        ----------
        at : sequence of date-like, optional
            Dates at which to read the growth rate over all benchmarks, such as
            ``["2024-01-01", "2027-01-01"]``; they are the ``period`` of the
            table. If not given, what the trend reports.
        unit : {"1/year", "1/day"}
            The paper quotes rates per day.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns as of `doubling_time`; also a row for the excess of the
            envelope over that of replicated data.

        Raises
        ------
        BayesdenseError
            If the model has no trend, or `at` is not given in dates.
        """
        if at is None and unit == PER_YEAR and (stored := self._table("growth", prob)) is not None:
            return stored
        found = self._rates if at is None else rates_at(self._draws, self._design, at)
        return self._named(growth_table(found, prob=prob, unit=unit))

    def rate_draws(self) -> dict[tuple[str, str, str], np.ndarray]:
        """Return the draws behind `growth`, per year.

        Returns
        -------
        dict
            Keys ``(estimator, period, benchmark)``; values of shape ``(draw,)``.

        Raises
        ------
        BayesdenseError
            If the model has no trend.
        """
        return {(r.estimator, r.period, r.benchmark): r.draws.copy() for r in self._rates}

    def density(self, *, prob: float = PROB) -> pd.DataFrame:
        """Return the capability density of every model (eq. 1).

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``model``, ``family``, ``release_date``, ``is_reference``,
            ``size`` (parameters), ``median``, ``lower``, ``upper`` (effective
            size over size), ``prob``, ``kind``, ``outside_reference`` (whether
            the ruler is extrapolated there).
        """
        return self._named(density_table(self._draws, self._design, prob))

    def effective_size(
        self, *, by: str = "model", method: str = "latent", prob: float = PROB
    ) -> pd.DataFrame:
        """Return the effective parameter size of every model (eq. 4).

        Parameters
        ----------
        by : {"model", "benchmark"}
            One row for each model, or for each model on each benchmark.
        method : {"latent", "plug-in"}
            The model's own effective size, which always exists, or the
            paper's formula applied to each score (by benchmark only), which
            has no value at the floor, at the ceiling or beyond reach.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            In parameters, with the probabilities of lying outside the range of
            the references and above the reach of the ruler, or, for the
            plug-in, the share of draws without a value.
        """
        if by not in ("model", "benchmark"):
            raise BayesdenseError(f"by must be 'model' or 'benchmark', not {by!r}")
        if method not in ("latent", "plug-in"):
            raise BayesdenseError(f"method must be 'latent' or 'plug-in', not {method!r}")
        check_prob(prob)
        if method == "plug-in":
            if by != "benchmark":
                raise BayesdenseError(
                    "the plug-in has one value for each benchmark: by='benchmark'"
                )
            return self._named(plug_in_table(self._draws, self._design, prob))
        return self._named(effective_size_table(self._draws, self._design, prob, by))

    def log_effective_size(self, *, by: str = "model") -> np.ndarray:
        """Return the draws behind `effective_size`.

        Parameters
        ----------
        by : {"model", "benchmark"}
            One column for each model, or for each model on each benchmark, in
            the order of the table's rows.

        Returns
        -------
        numpy.ndarray, shape (draw, row)
            ``ln N_eff``.
        """
        if by not in ("model", "benchmark"):
            raise BayesdenseError(f"by must be 'model' or 'benchmark', not {by!r}")
        return log_effective_sizes(self._draws, self._design, by).copy()

    def place(
        self,
        models: Dataset | pd.DataFrame | None = None,
        *,
        scores: Mapping[str, float] | pd.Series | pd.DataFrame | None = None,
        n_params: float | None = None,
        n_active: float | None = None,
        release_date: Any = None,
        family: str | None = None,
        developer: str | None = None,
        model: str = "new model",
        harness: str | None = None,
        prior: str = "trend",
        weights: str = "ruler",
        draws: int = 1000,
        random_seed: int = TABLE_SEED,
    ) -> Placement:
        """Place new models on the ruler and the trend of this fit, without another fit.

        Given a draw of what all models share, a new model is an integral over
        its log density, with its deviations on benchmarks and offsets of
        harnesses that the fit does not know integrated out.

        Parameters
        ----------
        models : Dataset or pandas.DataFrame, optional
            Several models: a dataset, or rows of the models table. Not for one model.
        scores : mapping of str to float, pandas.Series or pandas.DataFrame
            Scores by benchmark, as fractions; or rows of the scores table, with
            ``model`` for several models, and ``harness`` and ``n_items`` where they
            are known.
        n_params, n_active : float, optional
            Parameters of one model, all and active ones.
        release_date : date-like, optional
            Its day of release.
        family, developer : str, optional
            Its family and developer; what the fit knows of them is used.
        model : str
            Its name.
        harness : str, optional
            What measured scores that name no harness. One that the fit does not
            know on a benchmark has an offset as harnesses there have.
        prior : {"trend", "none"}
            What is expected of a density before any score: where the trend has
            models of its date and size, and the fit its family; or nothing.
        weights : {"ruler", "fitted"}
            Whether ruler and trend are left as they are, so that placements
            compare; or draws are weighed by the evidence of the new scores, as if the
            models had been fitted (PSIS).
        draws : int
            How many draws of the fit are used at most; 100 or more for weights.
        random_seed : int
            Of the draws.

        Returns
        -------
        Placement

        Raises
        ------
        BayesdenseError
            If something is missing or not allowed, or scores without a prior
            do not bound a density.

        Notes
        -----
        Several new models of one family that the fit does not know are placed
        together: they share its effect, as far as the prior is the trend. What a family does on
        one benchmark, and offsets of harnesses that the fit does not know, are
        each model's own. A family that the fit has brings its developer with it.

        Examples
        --------
        >>> fit = bd.load_fit("densing5.nc")  # doctest: +SKIP
        >>> fit.place(
        ...     n_params=8e9, release_date="2025-05-01", scores={"MMLU": 0.76, "MATH": 0.61}
        ... )  # doctest: +SKIP
        """
        columns = {
            "model": model,
            "family": family,
            "developer": developer,
            "release_date": release_date,
            "n_params": n_params,
            "n_active": n_active,
        }
        data = new_models(self, models, scores, columns, harness)
        return place_models(
            self, data, prior=prior, weights=weights, draws=draws, random_seed=random_seed
        )

    def above_reference(self) -> pd.DataFrame:
        """Return the share of targets above the largest reference, by benchmark.

        Returns
        -------
        pandas.DataFrame
            Columns ``benchmark``, ``targets``, ``share_above_reference``.
        """
        if (stored := self._table("above_reference")) is not None:
            return stored
        return above_reference(self._draws, self._design)

    def reach(self, *, prob: float = PROB) -> pd.DataFrame:
        """Return the score of an infinitely large reference model, by benchmark.

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``benchmark``, ``median``, ``lower``, ``upper``, ``prob``,
            ``kind``, ``best_target``, ``p_target_above``, and ``informed_by``
            as of `coefficients`.
        """
        return self._with_reference_posterior(reach_table, check_prob(prob))

    def coefficients(self, *, at: str = "centre", prob: float = PROB) -> pd.DataFrame:
        """Return the coefficients of the ruler, from references only and as fitted.

        Parameters
        ----------
        at : {"centre", "one"}
            Amplitudes relative to the centre of the references, or at ``N = D
            = 1``, as papers print them.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns of `RulerFit.coefficients`, with ``informed_by``:
            ``"references"``, or ``"all models"`` where scores of targets
            informed the ruler. Rows of the references are missing where
            the fit was made without them.
        """

        def table(draws: Draws, design: Design, prob: float) -> pd.DataFrame:
            return coefficient_table(draws, design, at, prob)

        return self._with_reference_posterior(table, check_prob(prob))

    def _with_reference_posterior(
        self, table: Callable[[Draws, Design, float], pd.DataFrame], prob: float
    ) -> pd.DataFrame:
        """Return a table of the ruler, with that of the reference posterior above it."""
        parts = []
        if self.reference_posterior is not None:
            # Scores of targets are compared with the ruler, so the design is of all models.
            found = table(Draws(self.reference_posterior), self._design, prob)
            parts.append(found.assign(informed_by="references"))
        if self.spec.ruler != "cut":
            found = table(self._draws, self._design, prob)
            parts.append(self._named(found.assign(informed_by="all models")))
        return pd.concat(parts, ignore_index=True)

    def trend_line(self, *, prob: float = PROB) -> pd.DataFrame:
        """Return the trend of density over the dates of the targets, at 2e10 parameters.

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``date``, ``size``, ``median``, ``lower``, ``upper``,
            ``prob``, ``kind``.

        Raises
        ------
        BayesdenseError
            If the model has no trend.
        """
        require_growth(self.spec, "a line through densities")
        return self._named(trend_table(self._draws, self._design, check_prob(prob)))

    def _tables_to_store(self) -> tuple[str, ...]:
        growing = ("doubling_time", "growth") if self.spec.has_growth else ()
        return (*super()._tables_to_store(), "above_reference", *growing)

    def _more_thinned(self, draws: int) -> dict[str, Any]:
        from bayesdense.fit.datatree import thinned

        rulers = self.reference_posterior
        return {} if rulers is None else {"reference_posterior": thinned(rulers, draws)}
