"""The ruler: from size to loss (eq. 2), from loss to score (eq. 3), and back (eq. 4).

One implementation serves the variables of a PyMC model and posterior draws: whatever has an axis of
draws has it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.model.design import Design
from bayesdense.model.numbers import at
from bayesdense.parts.laws import LossLaw
from bayesdense.parts.maps import ScoreMap
from bayesdense.parts.namespace import namespace

__all__ = ["Ruler"]

NONE: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Ruler:
    """A loss law and a score map with values for everything that they need.

    Attributes
    ----------
    law, score_map : LossLaw, ScoreMap
        The forms of eq. 2 and eq. 3.
    coefficients : mapping of str to array_like, shape (..., ruler)
        Of the law: loss sets first, then benchmarks with scores only, each of
        which has a ruler of its own.
    midpoint, steepness : array_like, shape (..., benchmark)
        ``l`` and ``gamma`` of eq. 3. Where there are scores only, the loss has
        no unit of its own: it is 0 at the centre of the references, where it
        falls by 1 per unit of ``ln N``, and ``gamma l`` is the logit there.
    floor, span : array_like, shape (..., benchmark)
        ``d`` and ``c`` of eq. 3.
    ruler : array_like of int, shape (benchmark,)
        The ruler of each benchmark.
    tokens : array_like, shape (benchmark,)
        ``ln(D0/D*)``, the token budget at which effective size is read off;
        0 where there are scores only.
    log_size_centre : float
        ``ln N*``.
    """

    law: LossLaw
    score_map: ScoreMap
    coefficients: Mapping[str, Any]
    midpoint: Any
    steepness: Any
    floor: Any
    span: Any
    ruler: Any
    tokens: Any
    log_size_centre: Any

    @classmethod
    def of(cls, values: Any, numbers: Any, design: Design) -> Ruler:
        """Return the ruler that some values of the model's variables make.

        Parameters
        ----------
        values : mapping of str to array_like
            The ruler's variables by name: those of a PyMC model, or draws.
        numbers : mapping of str to array_like
            The numbers of the design, or the data of the model.
        design : Design
            Decides which benchmarks are read through losses.

        Returns
        -------
        Ruler
        """
        known = design.has_losses
        mixed = bool(known.any()) and not known.all()
        parts = []
        if known.any():
            parts.append((values["map_midpoint_loss"], values["map_steepness"]))
        if len(known) and not known.all():
            suffix = "_scores_only" if mixed else ""
            slope = values[f"map_slope_at_centre{suffix}"]
            parts.append((values[f"map_logit_at_centre{suffix}"] / slope, slope))
        midpoint, steepness = (_joined([part[i] for part in parts], numbers) for i in (0, 1))
        return cls(
            law=design.spec.law,
            score_map=design.spec.score_map,
            coefficients=coefficients_of(values, numbers, design),
            midpoint=midpoint,
            steepness=steepness,
            floor=values["map_floor"] if len(known) else None,
            span=values["map_span"] if len(known) else None,
            ruler=numbers["benchmark_ruler"],
            tokens=numbers["benchmark_known"] * numbers["tokens_budget"],
            log_size_centre=numbers["log_size_centre"],
        )

    def coefficients_at(self, ruler: Any) -> dict[str, Any]:
        """Return the coefficients of the law for some rulers.

        Parameters
        ----------
        ruler : array_like of int
            Codes of rulers.

        Returns
        -------
        dict of str to array_like
            Shape ``(..., *ruler.shape)``; covariates of the law are 0.
        """
        no_covariates = dict.fromkeys(self.law.covariates, 0.0)
        return no_covariates | {
            name: at(values, ruler) for name, values in self.coefficients.items()
        }

    def loss(self, x: Any, z: Any, ruler: Any, covariates: Mapping[str, Any] = NONE) -> Any:
        """Return the loss of eq. 2.

        Parameters
        ----------
        x, z : array_like
            ``ln(N/N*)`` and ``ln(D/D*)``.
        ruler : array_like of int
            Codes of rulers.
        covariates : mapping of str to array_like
            What the law reads besides.

        Returns
        -------
        array_like
        """
        return self.law.loss(x, z, self.coefficients_at(ruler) | dict(covariates))

    def slope(self, x: Any, z: Any, ruler: Any, covariates: Mapping[str, Any] = NONE) -> Any:
        """Return how fast the loss falls in log size; arguments as for `loss`."""
        return self.law.slope(x, z, self.coefficients_at(ruler) | dict(covariates))

    def limit(self, z: Any, ruler: Any, covariates: Mapping[str, Any] = NONE) -> Any:
        """Return the loss at infinite size; arguments as for `loss`."""
        return self.law.limit(z, self.coefficients_at(ruler) | dict(covariates))

    def logit(self, loss: Any, benchmark: Any) -> Any:
        """Return ``gamma (l - L)`` of eq. 3.

        Parameters
        ----------
        loss : array_like
            In the unit of the ruler of each benchmark.
        benchmark : array_like of int
            Codes of benchmarks.

        Returns
        -------
        array_like
        """
        return at(self.steepness, benchmark) * (at(self.midpoint, benchmark) - loss)

    def score(self, logit: Any, benchmark: Any) -> Any:
        """Return the score of eq. 3.

        Parameters
        ----------
        logit : array_like
            ``gamma (l - L)``, with the offset of a harness added if there is one.
        benchmark : array_like of int
            Codes of benchmarks.

        Returns
        -------
        array_like
        """
        return self.score_map.score(logit, at(self.floor, benchmark), at(self.span, benchmark))

    def logit_at_centre(self) -> Any:
        """Return ``pi``: the logit of a reference model of size ``N*`` trained on ``D0`` tokens.

        Returns
        -------
        array_like, shape (..., benchmark)
        """
        return self.steepness * (self.midpoint - self.loss(0.0, self.tokens, self.ruler))

    def slope_at_centre(self) -> Any:
        """Return ``s``, the derivative of the logit by log size at ``N*`` and ``D0``.

        Returns
        -------
        array_like, shape (..., benchmark)
        """
        return self.steepness * self.slope(0.0, self.tokens, self.ruler)

    def reach(self) -> Any:
        """Return the score of an infinitely large reference model at ``D0`` tokens.

        Returns
        -------
        array_like, shape (..., benchmark)
        """
        limit = self.limit(self.tokens, self.ruler)
        logit = self.steepness * (self.midpoint - limit)
        return self.score_map.score(logit, self.floor, self.span)

    def log_size(self, score: Any, benchmark: Any) -> np.ndarray:
        """Return the effective size of eq. 4: the paper's plug-in inverse (numbers only).

        Parameters
        ----------
        score : numpy.ndarray, shape (n,)
            Scores between 0 and 1.
        benchmark : numpy.ndarray of int, shape (n,)
            Codes of benchmarks.

        Returns
        -------
        numpy.ndarray, shape (..., n)
            ``ln N_eff``; NaN where the score is at or below the floor, at or
            above the ceiling, or beyond reach.
        """
        logit = self.score_map.inverse(score, at(self.floor, benchmark), at(self.span, benchmark))
        loss = at(self.midpoint, benchmark) - logit / at(self.steepness, benchmark)
        coefficients = self.coefficients_at(self.ruler[benchmark])
        x = self.law.log_size(loss, self.tokens[benchmark], coefficients)
        return np.asarray(x) + self.log_size_centre


def coefficients_of(values: Any, numbers: Any, design: Design) -> dict[str, Any]:
    """Return the coefficients of the law, loss sets first, then benchmarks with scores only.

    Parameters
    ----------
    values, numbers, design
        As for `Ruler.of`.

    Returns
    -------
    dict of str to array_like, shape (..., ruler)
        A number where a coefficient is the same everywhere.
    """
    law, known = design.spec.law, design.has_losses
    scores_only = not known.all()
    mixed = bool(design.loss_sets) and scores_only
    seen: dict[str, Any] = {}
    if design.loss_sets:
        suffix = "_with_losses" if mixed else ""
        seen = {name: values[f"{name}{suffix}"] for name in law.coefficients}
    if not scores_only:
        return seen
    suffix = "_scores_only" if mixed else ""
    unit = law.unit({name: values[f"{name}{suffix}"] for name in law.shape})
    if not mixed:
        return unit
    # Only for their shapes: one entry a benchmark with scores only, and one a loss set.
    like = at(values["map_floor"], numbers["unknown_benchmarks"])
    blank = next(iter(seen.values()))
    xp = namespace(like)
    return {
        name: xp.concatenate(
            [seen[name] if name in seen else xp.zeros_like(blank), v * xp.ones_like(like)], axis=-1
        )
        for name, v in unit.items()
    }


def _joined(parts: list[Any], numbers: Any) -> Any:
    """Return what belongs to benchmarks, those with losses first, in the order of benchmarks."""
    if len(parts) < 2:
        return parts[0] if parts else None
    return at(namespace(*parts).concatenate(parts, axis=-1), numbers["benchmark_place"])
