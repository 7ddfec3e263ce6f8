"""A fitted density model: draws, tables, checks, and how they were made."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesdense.build import Layout, lay_out
from bayesdense.build.model import model_priors
from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.spec import ModelSpec
from bayesdense.summaries.density import (
    above_reference,
    density_table,
    effective_size_table,
    plug_in_table,
    trend_table,
)
from bayesdense.summaries.diagnostics import diagnostics_table
from bayesdense.summaries.draws import Draws
from bayesdense.summaries.growth import (
    Rate,
    doubling_time_table,
    growth_table,
    months_text,
    rates,
)
from bayesdense.summaries.intervals import PROB, check_prob
from bayesdense.summaries.predictive import calibration_table, score_table
from bayesdense.summaries.ruler import parameter_table, reach_table

if TYPE_CHECKING:
    import xarray as xr

    from bayesdense.checks import CheckReport
    from bayesdense.data import Dataset
    from bayesdense.priors import Prior

__all__ = ["DensityFit", "load_fit"]

HEADLINE = ("A", "A_j", "ln_density")


class DensityFit:
    """The posterior of a `DensityModel`, with tables, checks and provenance.

    A fit is made by `DensityModel.fit` or read by `load_fit`. Nothing that
    reads from it changes it.

    Attributes
    ----------
    posterior : xarray.Dataset
        Draws by name, dimensions ``chain`` and ``draw`` first and named
        dimensions (``model``, ``benchmark``, ``harness``, ...) after them.
        Rates are per year; logarithms are natural.
    sample_stats : xarray.Dataset
        What the sampler says of each draw.
    data : Dataset
        What was fitted.
    spec : ModelSpec
        The composition of the model.
    info : dict
        How it was made: sampler and its settings, seed, seconds, versions,
        names of the free variables, digest of the data.
    """

    def __init__(
        self,
        *,
        posterior: xr.Dataset,
        sample_stats: xr.Dataset,
        data: Dataset,
        spec: ModelSpec,
        info: Mapping[str, Any],
    ) -> None:
        self.posterior = posterior
        self.sample_stats = sample_stats
        self.data = data
        self.spec = spec
        self.info = dict(info)

    @cached_property
    def _layout(self) -> Layout:
        return lay_out(self.data, self.spec)

    @cached_property
    def _draws(self) -> Draws:
        return Draws(self.posterior)

    @cached_property
    def _rates(self) -> list[Rate]:
        return rates(self._draws, self._layout, self.spec)

    @cached_property
    def _report(self) -> CheckReport:
        from bayesdense.checks import run_checks

        return run_checks(self)

    def __repr__(self) -> str:
        """Return the headline, never without the verdict on it."""
        chains, draws = self.posterior.sizes["chain"], self.posterior.sizes["draw"]
        made = f"{self.spec.trend.name} trend, {chains} chains of {draws} draws"
        return (
            f"DensityFit of '{self.data.name}' on the ruler of {self.ruler_name} ({made})\n"
            f"{self.headline()}\n{self._report.verdict}"
        )

    @property
    def ruler_name(self) -> str:
        """The families of the reference models, with commas between."""
        return ", ".join(dict.fromkeys(self.data.references["family"]))

    @property
    def interrupted(self) -> str:
        """Empty, or how many draws were kept when sampling was stopped."""
        return str(self.info.get("interrupted", ""))

    @cached_property
    def priors(self) -> dict[str, Prior]:
        """The priors in force, by parameter."""
        return model_priors(self._layout, self.spec)

    def headline(self, *, prob: float = PROB) -> str:
        """Return the doubling time over all benchmarks in words.

        Parameters
        ----------
        prob : float
            Probability of the interval.

        Returns
        -------
        str
            One line for each estimator and period.
        """
        table = self.doubling_time(prob=prob)
        table = table[table["benchmark"] == "all benchmarks"]
        lines = []
        for row in table.to_dict("records"):
            period = "" if row["period"] == "all dates" else f" {row['period']}"
            lines.append(
                f"doubling time, {row['estimator']}{period}: {months_text(row['median'])} months "
                f"({100 * prob:.0f} % {row['kind']} interval {months_text(row['lower'])} to "
                f"{months_text(row['upper'])}), P(growth) = {row['p_growth']:.3f}"
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
            growth), ``undefined`` (share of draws without a slope), ``unit``.
        """
        return doubling_time_table(self._rates, prob=prob)

    def growth(self, *, unit: str = "1/year", prob: float = PROB) -> pd.DataFrame:
        """Return the growth rate of log density: ``A`` of equation 5.

        Parameters
        ----------
        unit : {"1/year", "1/day"}
            The paper quotes rates per day.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns as of `doubling_time`; also a row for the excess of the
            envelope over that of replicated data.
        """
        return growth_table(self._rates, prob=prob, unit=unit)

    def rate_draws(self) -> dict[tuple[str, str, str], np.ndarray]:
        """Return the draws behind `growth`, per year.

        Returns
        -------
        dict
            Keys ``(estimator, period, benchmark)``; values of shape ``(draw,)``.
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
        return density_table(self._draws, self._layout, prob)

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
            In parameters, with the probability of lying outside the range of
            the references, or, for the plug-in, the share of draws without a
            value.
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
            return plug_in_table(self._draws, self._layout, self.spec, prob)
        return effective_size_table(self._draws, self._layout, prob, by)

    def scores(self, *, prob: float = PROB) -> pd.DataFrame:
        """Return every score beside what the model would have predicted.

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``model``, ``benchmark``, ``source``, ``harness``,
            ``score``, ``median``, ``lower``, ``upper``, ``prob``, ``kind``,
            ``inside``.
        """
        return score_table(self._draws, self._layout, self.spec, check_prob(prob))

    def calibration(self) -> pd.DataFrame:
        """Return the coverage of predictive intervals by benchmark.

        Returns
        -------
        pandas.DataFrame
            Columns ``benchmark``, ``replicate``, ``scores``, ``inside_50``,
            ``inside_80``, ``inside_90``.
        """
        return calibration_table(self._draws, self._layout, self.spec)

    def above_reference(self) -> pd.DataFrame:
        """Return the share of targets above the largest reference, by benchmark.

        Returns
        -------
        pandas.DataFrame
            Columns ``benchmark``, ``targets``, ``share_above_reference``.
        """
        return above_reference(self._draws, self._layout)

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
            ``kind``, ``best_target``, ``p_target_above``.
        """
        return reach_table(self._draws, self._layout, self.spec, check_prob(prob))

    def parameters(self, *, names: Sequence[str] | None = None, prob: float = PROB) -> pd.DataFrame:
        """Return the named parameters of the model with intervals.

        Parameters
        ----------
        names : sequence of str, optional
            Variables of the posterior; by default all but the deviations of
            single models, families and cells.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``parameter``, ``of``, ``mean``, ``sd``, ``median``,
            ``lower``, ``upper``, ``prob``, ``kind``.
        """
        known = [str(name) for name in self.posterior.data_vars]
        if names is None:
            single = {"ln_density", "cell_ln_size", "f", "undated"}
            names = [n for n in known if not n.endswith("_raw") and n not in single]
        for name in names:
            if name not in known:
                raise UnknownNameError.of("parameter", name, known)
        return parameter_table(self.posterior, list(names), check_prob(prob))

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
        """
        return trend_table(self._draws, self._layout, self.spec, check_prob(prob))

    def diagnostics(self) -> pd.DataFrame:
        """Return R-hat and effective sample sizes of free variables and headline quantities.

        Returns
        -------
        pandas.DataFrame
            Columns ``parameter``, ``rhat``, ``ess_bulk``, ``ess_tail`` and
            ``ess``, the smaller of the two.
        """
        return self._diagnostics.copy()

    @cached_property
    def _diagnostics(self) -> pd.DataFrame:
        return diagnostics_table(self.posterior, [*self.info["free"], *HEADLINE])

    def checks(self) -> CheckReport:
        """Return the checks of this fit, their verdict and what to do about it.

        Returns
        -------
        CheckReport
        """
        return self._report

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save the fit as one netCDF file, completely or not at all.

        Parameters
        ----------
        path : path-like
            The file, such as ``densing5.nc``; its folder must exist.

        Returns
        -------
        pathlib.Path
            The file.
        """
        from bayesdense.storage import Stored, write_file

        manifest = {"spec": self.spec.to_dict(), "info": self.info, "interval": {"prob": PROB}}
        stored = Stored(manifest, self.data, self.posterior, self.sample_stats)
        return write_file(path, stored)


def load_fit(path: str | os.PathLike[str]) -> DensityFit:
    """Read a saved fit.

    Parameters
    ----------
    path : path-like
        A file that `DensityFit.save` wrote.

    Returns
    -------
    DensityFit

    Raises
    ------
    FitFileError
        If the file is missing, no fit, cut short, altered or of another
        version's layout.
    UnknownNameError
        If the model has a part that is not registered in this session.
    """
    from bayesdense.errors import FitFileError
    from bayesdense.storage import read_file

    stored = read_file(path)
    info = stored.manifest["info"]
    if stored.data.digest != info["data_digest"]:
        raise FitFileError(f"'{path}': its data are not those that the fit was made from")
    return DensityFit(
        posterior=stored.posterior,
        sample_stats=stored.sample_stats,
        data=stored.data,
        spec=ModelSpec.from_dict(stored.manifest["spec"]),
        info=info,
    )
