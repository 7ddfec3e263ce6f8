"""What every fit is: draws, the data and model behind them, checks, and a file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pandas as pd

from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.fit.info import FitInfo
from bayesdense.fit.stored_report import StoredReport
from bayesdense.model import Design, make_design, model_priors
from bayesdense.posterior.cell_effects import without_cell_effects
from bayesdense.posterior.diagnostics import diagnostics_table
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import KIND, PROB, TABLE_SEED, check_prob
from bayesdense.spec import RulerSpec
from bayesdense.tables.parameters import parameter_table
from bayesdense.tables.scores import calibration_table, score_table

if TYPE_CHECKING:
    import xarray as xr

    from bayesdense.data import Dataset
    from bayesdense.fit.checks import CheckReport
    from bayesdense.priors import Prior

__all__ = ["Fit"]


# How variables end that `parameters` leaves out: coordinates of the sampler, and deviations of
# benchmarks from a mean, whose sum with it is shown.
NOT_SHOWN = ("_contrast", "_deviation", "log_terms")


class Fit[S: RulerSpec]:
    """The posterior of a model, with tables, checks and provenance.

    Nothing that reads from a fit changes it.

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
    spec : RulerSpec
        The composition of the model.
    info : FitInfo
        How it was made: settings of the sampler, seed, seconds, versions, names
        of the free variables, digest of the data.
    """

    kind: ClassVar[str]
    """What the file says that a fit is of."""

    _spec_class: ClassVar[type[RulerSpec]]
    headline_names: ClassVar[tuple[str, ...]] = ()
    """Variables that are diagnosed besides the free ones."""

    _single_names: ClassVar[frozenset[str]] = frozenset(
        {"log_density", "log_size", "log_effective_size", "cell_effect", "expected_loss"}
        | {"expected_score", "benchmark_difference", "reference_effect", "item_effect"}
    )
    """Variables of single models and cells, which `parameters` leaves out."""

    def __init__(
        self,
        *,
        posterior: xr.Dataset,
        sample_stats: xr.Dataset,
        data: Dataset,
        spec: S,
        info: FitInfo,
        stored: StoredReport | None = None,
    ) -> None:
        self._stored = stored
        self.posterior = posterior
        self.sample_stats = sample_stats
        self.data = data
        self.spec = spec
        self.info = info

    @cached_property
    def _design(self) -> Design:
        return make_design(self.data, self.spec)

    @cached_property
    def _draws(self) -> Draws:
        return Draws(self.posterior)

    @cached_property
    def _report(self) -> CheckReport:
        if self._stored is not None:
            return self._stored.checks
        from bayesdense.fit.checks.run import run_checks

        return run_checks(self)

    def _table(self, name: str, prob: float | None = None) -> pd.DataFrame | None:
        """Return a table that was stored with the fit, or None."""
        return None if self._stored is None else self._stored.table(name, prob)

    @property
    def ruler_name(self) -> str:
        """The families of the reference models, with commas between."""
        families = dict.fromkeys(self._design.coords["reference_family"])
        return ", ".join(map(str, families)) or "latent skill"

    @property
    def interrupted(self) -> str:
        """Empty, or how many draws were kept when sampling was stopped."""
        return self.info.interrupted

    @property
    def approximation(self) -> str:
        """Empty, or what was approximated."""
        part = self.info.shared_from
        return f"shared part from {part.targets:,} of {part.of:,} targets" if part else ""

    @property
    def interval_kind(self) -> str:
        """What the intervals of this fit are, and what was approximated."""
        return f"approximate {KIND} ({self.approximation})" if self.approximation else KIND

    def _named(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table of intervals that says what was approximated."""
        return table.assign(kind=self.interval_kind)

    @cached_property
    def priors(self) -> dict[str, Prior]:
        """The priors in force, by parameter."""
        return model_priors(self._design)

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
        return self._named(score_table(self._draws, self._design, check_prob(prob)))

    def calibration(self) -> pd.DataFrame:
        """Return the coverage of predictive intervals by benchmark.

        Returns
        -------
        pandas.DataFrame
            Columns ``benchmark``, ``replicate`` (``"measurement"``, ``"new cell"``
            or ``"left out"``), ``scores``, ``inside_50``, ``inside_80``,
            ``inside_90`` and ``high_k``, the share of scores that are left out by
            weights that are not to be relied on. Nothing is left out where ruler
            and models were drawn one after the other.
        """
        if (stored := self._table("calibration")) is not None:
            return stored
        two_steps = bool(self.approximation) or self.info.cut is not None
        return calibration_table(self._draws, self._design, weighable=not two_steps)

    def parameters(
        self, *, names: str | Sequence[str] | None = None, prob: float = PROB
    ) -> pd.DataFrame:
        """Return the named parameters of the model with intervals.

        Parameters
        ----------
        names : str or sequence of str, optional
            Variables of the posterior; by default all but the deviations of
            single models, families and cells.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``parameter``, ``symbol``, ``of``, ``mean``, ``sd``,
            ``median``, ``lower``, ``upper``, ``prob``, ``kind``.
        """
        known = [str(name) for name in self.posterior.data_vars]
        if names is None:
            names = [n for n in known if not n.endswith(NOT_SHOWN) and n not in self._single_names]
        names = [names] if isinstance(names, str) else list(names)
        for name in names:
            if name not in known:
                raise UnknownNameError.of("parameter", name, known)
        return self._named(parameter_table(self.posterior, names, check_prob(prob)))

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
        if (stored := self._table("diagnostics")) is not None:
            return stored
        return diagnostics_table(self.posterior, [*self.info.free, *self.headline_names])

    def checks(self) -> CheckReport:
        """Return the checks of this fit, their verdict and what to do about it.

        Returns
        -------
        CheckReport
        """
        return self._report

    def to_datatree(
        self,
        groups: str | Sequence[str] = (),
        *,
        by: str = "cell",
        new_cells: bool = True,
        draws: int | None = None,
        prior_draws: int = 500,
        random_seed: int = TABLE_SEED,
    ) -> xr.DataTree:
        """Return the fit as ArviZ reads it.

        The groups ``posterior``, ``sample_stats``, ``observed_data`` and
        ``constant_data`` are always there; `groups` adds others, since they
        take time or memory.

        Parameters
        ----------
        groups : str or sequence of str, optional
            Of ``prior`` and ``prior_predictive`` (drawn anew),
            ``posterior_predictive`` (every measurement again, for at most
            1,000 draws), ``log_prior`` and ``log_likelihood``; or ``"all"``.
        by : {"cell", "score"}
            What the log likelihood of scores is of. ``"cell"``: the joint
            density of the scores of a model on a benchmark, with its own
            deviation there integrated out, as leaving the cell out asks for.
            ``"score"``: of a single score, given all variables and the scores
            before it in its cell; the terms of a cell add up to its joint
            density.
        new_cells : bool
            Whether replicates have deviations of cells drawn anew. If not,
            only the measurement is repeated, which every flexible model passes.
        draws : int, optional
            How many posterior draws to return at most, evenly spread over
            each chain, but one of each chain at least; all if not given. The
            log likelihood by cell is an integral for each draw and cell: on
            500 cells it takes a minute for about a thousand draws.
        prior_draws : int
            How many draws of the prior.
        random_seed : int
            Of what is drawn here.

        Returns
        -------
        xarray.DataTree
            In the group ``log_likelihood``, ``cell_scores``, shape ``(chain, draw,
            cell)``, or ``score``, shape ``(chain, draw, score_id)``, and where
            there are losses ``loss``, shape ``(chain, draw, loss_id)``; with
            two variables, `arviz.loo` asks for ``var_name``. Losses are natural
            logarithms, as in the model. ``log_prior`` has each variable whose
            prior has numbers for parameters: effects whose spread is itself a
            variable belong to the model. Effects that add up to zero have the
            Normal density of each entry, which is their own up to a constant.
            A cell is named by model and benchmark, scores and losses are
            numbered; coordinates such as ``cell_model`` and
            ``score_benchmark`` say what they are of.
            Attributes of variables are ``symbol``, ``long_name``, ``units``
            and ``equation``.

        Raises
        ------
        UnknownNameError
            If there is no such group.
        BayesdenseError
            If a log likelihood by cell is asked for and the noise is
            Student-t, or ``log_prior`` or ``log_likelihood`` of a fit that is
            approximate or has its ruler cut.

        Examples
        --------
        >>> import arviz as az, bayesdense as bd
        >>> fit = bd.load_fit("densing5.nc")  # doctest: +SKIP
        >>> az.summary(fit.to_datatree(), var_names=["growth_rate"])  # doctest: +SKIP
        >>> az.loo(fit.to_datatree("log_likelihood"))  # doctest: +SKIP
        >>> tree = fit.to_datatree(["log_prior", "log_likelihood"])  # doctest: +SKIP
        >>> az.psense_summary(tree, var_names=["growth_rate"])  # doctest: +SKIP
        """
        from bayesdense.fit.datatree import make_datatree

        return make_datatree(
            self,
            groups,
            by=by,
            new_cells=new_cells,
            draws=draws,
            prior_draws=prior_draws,
            random_seed=random_seed,
        )

    def save(self, path: str | os.PathLike[str], *, full: bool = False) -> Path:
        """Save the fit as one netCDF file, completely or not at all.

        Checks, diagnostics and doubling times are stored as well, so that a fit that
        was read shows them at once.

        Parameters
        ----------
        path : path-like
            The file, such as ``densing5.nc``; its folder must exist.
        full : bool
            Whether draws keep every digit. If not, each is rounded to a 1024th of
            its posterior standard deviation, or to a 64th where a variable has
            50 entries or more (effects of families, models and cells): less than
            the Monte Carlo error, and a seventh of the size on ``densing5``.

        Returns
        -------
        pathlib.Path
            The file.
        """
        from bayesdense.fit.netcdf import Stored, write_file

        manifest = {
            "kind": self.kind,
            "spec": self.spec.to_dict(),
            "info": self.info.to_dict(),
            "interval": {"prob": PROB},
        }
        stored = Stored(
            manifest,
            self.data,
            self.posterior if full else without_cell_effects(self.posterior, self._design),
            self.sample_stats,
            getattr(self, "reference_posterior", None),
            self._report_to_store().to_json(),
        )
        return write_file(path, stored, full=full)

    def thin(self, draws: int) -> Self:
        """Return the same fit with fewer draws: for a smaller file, or quicker work.

        Checks, diagnostics, the table of calibration and doubling times with 90 %
        intervals stay those of all draws; everything else is of those that are left.

        Parameters
        ----------
        draws : int
            How many are left at most, evenly spread over each chain; at least one of
            each chain.

        Returns
        -------
        DensityFit or RulerFit

        Raises
        ------
        BayesdenseError
            If `draws` is less than one.
        """
        from bayesdense.fit.datatree import thinned

        if draws < 1:
            raise BayesdenseError(f"draws must be at least 1, not {draws!r}")
        every = self.posterior.sizes["chain"] * self.posterior.sizes["draw"]
        if draws >= every:
            return self
        of = self.info.thinned_from or every
        parts: dict[str, Any] = {
            "posterior": thinned(self.posterior, draws),
            "sample_stats": thinned(self.sample_stats, draws),
            "data": self.data,
            "spec": self.spec,
            "info": dataclasses.replace(self.info, thinned_from=of),
            "stored": self._report_to_store(),
        }
        return type(self)(**parts, **self._more_thinned(draws))

    def _more_thinned(self, draws: int) -> dict[str, Any]:
        """Return what else a fit of this kind is made of, with fewer draws."""
        return {}

    @property
    def _draws_in_words(self) -> str:
        """How many draws there are, and where they are from."""
        chains, draws = self.posterior.sizes["chain"], self.posterior.sizes["draw"]
        text = f"{chains} chains of {draws} draws"
        if self.info.thinned_from:
            text = f"{chains * draws:,} of {self.info.thinned_from:,} draws"
        return f"{text}, shipped with {self.info.shipped_with}" if self.info.shipped_with else text

    def _report_to_store(self) -> StoredReport:
        if self._stored is not None:
            return self._stored
        tables = {name: getattr(self, name)() for name in self._tables_to_store()}
        return StoredReport(self.checks(), PROB, tables)

    def _tables_to_store(self) -> tuple[str, ...]:
        """Return the methods whose tables a file has."""
        return ("diagnostics", "calibration")
