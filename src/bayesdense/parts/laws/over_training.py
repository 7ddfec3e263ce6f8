"""The over-training law: one exponent for compute, whatever the ratio of tokens to parameters."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.laws.base import Coefficients, amplitude_priors, floor_prior, laws
from bayesdense.parts.laws.size_power import SizePower
from bayesdense.parts.namespace import namespace
from bayesdense.priors import Prior

__all__ = ["OverTraining"]

FLOP_PER_PARAMETER_AND_TOKEN = 6.0


@laws.register
class OverTraining(SizePower):
    r"""``L(C, M) = e + (a M^eta + b M^-eta) C^-eta``, ``M = D/N``, ``C = 6 N D``.

    Equation 4 of Gadre et al. (arXiv 2403.08540): loss falls in compute with
    one exponent ``eta``, at any ratio ``M`` of tokens to parameters. Written
    out, the ratio cancels: ``(D/N)^eta (6 N D)^-eta = 6^-eta N^(-2 eta)``. So
    relative to the centre it is

        ``L = e + a (N/N*)^(-2 eta) + b (D/D*)^(-2 eta)``,

    a sum of two powers with one exponent, with ``e``, ``a`` and ``b`` in the
    unit of the loss. `at_one` gives ``a`` and ``b`` as the paper prints them.
    The coefficient is called ``eta_c``: ``eta`` is the offset of a harness.

    Examples
    --------
    >>> c = {"e": 1.0, "a": 2.0, "b": 1.0, "eta_c": 0.25}
    >>> float(round(OverTraining().loss(np.log(16.0), np.log(4.0), c), 12))
    2.0
    """

    name: ClassVar[str] = "over-training"
    equation: ClassVar[str] = "L = e + (a M^eta + b M^-eta) C^-eta"
    coefficients: ClassVar[tuple[str, ...]] = ("e", "a", "b", "eta_c")
    exponents: ClassVar[tuple[str, ...]] = ("eta_c",)
    # Twice eta is what other laws call alpha.
    exponent_centre: ClassVar[float] = 0.15
    shape: ClassVar[tuple[str, ...]] = ("eta_c",)
    terms: ClassVar[tuple[str, ...]] = ("a", "b")
    floor: ClassVar[str] = "e"

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of ``e``, ``a`` and ``b``.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            ``e`` half-normal with the mean loss as its scale; the others half
            the mean loss, within a factor of e.
        """
        return {"e": floor_prior(mean_loss), **amplitude_priors(mean_loss)}

    def exponent(self, coefficients: Coefficients) -> Any:
        """Return ``2 eta``."""
        return 2 * coefficients["eta_c"]

    def rest(self, z: Any, coefficients: Coefficients) -> Any:
        """Return ``e + b (D/D*)^(-2 eta)``.

        Parameters
        ----------
        z : array_like
            ``ln(D/D*)``.
        coefficients : mapping
            With ``e``, ``b`` and ``eta_c``.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        c = coefficients
        xp = namespace(z, *c.values())
        return c["e"] + c["b"] * xp.exp(-self.exponent(c) * z)

    def at_one(
        self, coefficients: Coefficients, log_size: float, log_tokens: float
    ) -> dict[str, Any]:
        """Return ``a`` and ``b`` as the paper prints them: ``a 6^eta N*^(2 eta)``.

        Parameters
        ----------
        coefficients, log_size, log_tokens
            As for `LossLaw.at_one`.

        Returns
        -------
        dict
            All coefficients.
        """
        c = coefficients
        six = np.log(FLOP_PER_PARAMETER_AND_TOKEN)
        return {
            **c,
            "a": c["a"] * np.exp(c["eta_c"] * (six + 2 * log_size)),
            "b": c["b"] * np.exp(c["eta_c"] * (six + 2 * log_tokens)),
        }
