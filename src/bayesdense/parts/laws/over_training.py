"""The over-training law: one exponent for compute, whatever the ratio of tokens to parameters."""

from __future__ import annotations

from collections.abc import Mapping
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
    ``eta`` is the variable ``compute_exponent``, ``e`` ``loss_floor``, ``a``
    ``loss_size_term`` and ``b`` ``loss_token_term``.

    Examples
    --------
    >>> c = {"loss_floor": 1.0, "loss_size_term": 2.0, "loss_token_term": 1.0}
    >>> c["compute_exponent"] = 0.25
    >>> float(round(OverTraining().loss(np.log(16.0), np.log(4.0), c), 12))
    2.0
    """

    name: ClassVar[str] = "over-training"
    equation: ClassVar[str] = "L = e + (a M^eta + b M^-eta) C^-eta"
    coefficients: ClassVar[tuple[str, ...]] = (
        "loss_floor",
        "loss_size_term",
        "loss_token_term",
        "compute_exponent",
    )
    exponents: ClassVar[tuple[str, ...]] = ("compute_exponent",)
    # Twice eta is what other laws call alpha.
    exponent_centre: ClassVar[float] = 0.15
    shape: ClassVar[tuple[str, ...]] = ("compute_exponent",)
    terms: ClassVar[tuple[str, ...]] = ("loss_size_term", "loss_token_term")
    floor: ClassVar[str] = "loss_floor"
    symbols: ClassVar[Mapping[str, str]] = {"compute_exponent": "eta"}

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of ``loss_floor``, ``loss_size_term`` and ``loss_token_term``.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            ``loss_floor`` half-normal with the mean loss as its scale; the others half
            the mean loss, within a factor of e.
        """
        return {"loss_floor": floor_prior(mean_loss), **amplitude_priors(mean_loss)}

    def exponent(self, coefficients: Coefficients) -> Any:
        """Return ``2 eta``."""
        return 2 * coefficients["compute_exponent"]

    def rest(self, z: Any, coefficients: Coefficients) -> Any:
        """Return ``e + b (D/D*)^(-2 eta)``.

        Parameters
        ----------
        z : array_like
            ``ln(D/D*)``.
        coefficients : mapping
            With ``loss_floor``, ``loss_token_term`` and ``compute_exponent``.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        c = coefficients
        xp = namespace(z, *c.values())
        return c["loss_floor"] + c["loss_token_term"] * xp.exp(-self.exponent(c) * z)

    def at_one(
        self, coefficients: Coefficients, log_size: float, log_tokens: float
    ) -> dict[str, Any]:
        """Return the two terms as the paper prints them: ``a 6^eta N*^(2 eta)`` and so on.

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
            "loss_size_term": c["loss_size_term"]
            * np.exp(c["compute_exponent"] * (six + 2 * log_size)),
            "loss_token_term": c["loss_token_term"]
            * np.exp(c["compute_exponent"] * (six + 2 * log_tokens)),
        }
