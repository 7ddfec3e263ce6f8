"""A fitted ruler: coefficients, allocation and predictions, from references only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pandas as pd

from bayesdense.data.html import card
from bayesdense.fit.base import Fit
from bayesdense.posterior.intervals import PROB, check_prob
from bayesdense.spec import RulerSpec
from bayesdense.tables.loss_law import allocation_table, coefficient_table
from bayesdense.tables.parameters import reach_table
from bayesdense.tables.prediction import map_table, prediction_table

__all__ = ["RulerFit"]

COEFFICIENT = ("coefficient", "symbol")


class RulerFit(Fit[RulerSpec]):
    """The posterior of a `RulerModel`: the ruler, as the references show it.

    A fit is made by `RulerModel.fit` or read by `load_fit`. Its attributes
    are ``posterior``, ``sample_stats``, ``data``, ``spec`` and ``info``: draws
    by name with dimensions ``chain`` and ``draw`` first; logarithms are
    natural.
    """

    kind: ClassVar[str] = "reference"
    _spec_class: ClassVar[type[RulerSpec]] = RulerSpec

    def __repr__(self) -> str:
        """Return what was fitted, with the verdict on it."""
        design = self._design
        return (
            f"RulerFit of '{self.data.name}' ({design.size('reference')} runs of "
            f"{self.ruler_name}; {len(design.loss_sets)} loss sets, "
            f"{design.size('benchmark')} benchmarks; {self._draws_in_words})\n"
            f"{self.spec.law.equation}\n{self._report.verdict}"
        )

    def _repr_html_(self) -> str:
        """Return the coefficients, never without the verdict on them, for a notebook."""
        table = self.coefficients()[["step", "of", *COEFFICIENT, "median", "lower", "upper"]]
        title, *lines = repr(self).split("\n")
        about = f"Coefficients, {100 * PROB:g} % {self.interval_kind} intervals"
        return card(title, *lines, about, table=table)

    def coefficients(self, *, at: str = "centre", prob: float = PROB) -> pd.DataFrame:
        """Return the coefficients of law and map (eq. 2 and 3).

        Parameters
        ----------
        at : {"centre", "one"}
            Amplitudes relative to the centre of the runs, where they are what
            each term contributes to the loss, or at ``N = D = 1``, as papers
            print them.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``step`` (``"loss law"`` or ``"score map"``), ``of`` (the
            loss set; for maps and for scores only, the benchmark),
            ``coefficient``, ``symbol`` (as papers write it), ``mean``, ``sd``,
            ``median``, ``lower``, ``upper``, ``prob``, ``kind``. Of the map:
            ``map_steepness`` and ``map_midpoint_loss`` as in eq. 3, logit and
            slope at the centre, floor, and ceiling of what is above it.
        """
        return coefficient_table(self._draws, self._design, at, check_prob(prob))

    def predict(
        self,
        *,
        n_params: float | Sequence[float],
        n_tokens: float | Sequence[float] | None = None,
        new_run: bool = True,
        prob: float = PROB,
    ) -> pd.DataFrame:
        """Predict losses and scores of runs of the reference family (eq. 2 and 3).

        Parameters
        ----------
        n_params, n_tokens : float or sequence of float
            Parameters and training tokens of the runs, one each, or one for
            all; tokens are not needed where there are scores only.
        new_run : bool
            True for what one more run would measure, with the noise between
            runs and in the map; False for the curve itself.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            One row for each run, benchmark or loss set, and quantity. Columns
            ``n_params``, ``n_tokens``, ``of`` (the loss set or benchmark),
            ``quantity`` (``"loss"`` or ``"score"``), ``median``, ``lower``,
            ``upper``, ``prob``, ``kind``, ``outside_reference`` (whether the
            run is larger or smaller, or trained on more or fewer tokens, than
            every reference).
        """
        return prediction_table(
            self._draws,
            self._design,
            n_params=n_params,
            n_tokens=n_tokens,
            new_run=new_run,
            prob=check_prob(prob),
        )

    def allocation(self, *, compute: float | Sequence[float], prob: float = PROB) -> pd.DataFrame:
        """Return the split of compute between parameters and tokens that gives the lowest loss.

        Parameters
        ----------
        compute : float or sequence of float
            Training compute ``C = 6 N D``, in FLOP.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``loss_set``, ``compute``, ``quantity`` (``"n_params"``,
            ``"n_tokens"``, ``"tokens_per_param"``, ``"loss"``), ``median``,
            ``lower``, ``upper``, ``prob``, ``kind``, ``outside_reference``.
        """
        return allocation_table(self._draws, self._design, compute, check_prob(prob))

    def score_curve(self, benchmark: str, *, prob: float = PROB) -> pd.DataFrame:
        """Return the score map of one benchmark over the losses of its runs (eq. 3).

        Parameters
        ----------
        benchmark : str
            A benchmark whose runs have losses.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``benchmark``, ``loss_set``, ``loss``, ``median``,
            ``lower``, ``upper``, ``prob``, ``kind``, ``outside_reference``.
        """
        return map_table(self._draws, self._design, benchmark, check_prob(prob))

    def runs(self) -> pd.DataFrame:
        """Return the losses of the reference runs, as they were used.

        Returns
        -------
        pandas.DataFrame
            Columns ``model``, ``family``, ``n_params``, ``n_tokens``,
            ``loss_set``, ``loss``, ``unit``.
        """
        losses = self.data.losses[self.data.losses["loss_set"].isin(self._design.loss_sets)]
        columns = ["model", "family", "n_params", "n_tokens"]
        joined = self.data.references[columns].merge(losses, on="model")
        return joined[[*columns, "loss_set", "loss", "unit"]]

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
            ``kind``, and ``best_target`` and ``p_target_above``, which are NaN
            without targets.
        """
        return reach_table(self._draws, self._design, check_prob(prob))
