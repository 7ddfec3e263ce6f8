"""The over-training law: one exponent for compute, whatever the ratio of tokens to parameters."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.laws.base import Coefficients, LossLaw, laws, size_of_power
from bayesdense.parts.namespace import namespace
from bayesdense.priors import Prior

__all__ = ["OverTraining"]

FLOP_PER_PARAMETER_AND_TOKEN = 6.0


@laws.register
class OverTraining(LossLaw):
    r"""``L(C, M) = e + (a M^eta + b M^-eta) C^-eta``, ``M = D/N``, ``C = 6 N D``.

    Equation 4 of Gadre et al. (arXiv 2403.08540): loss falls in compute with
    one exponent ``eta_c``, at any ratio ``M`` of tokens to parameters. Written
    out, the ratio cancels: ``(D/N)^eta (6 N D)^-eta = 6^-eta N^(-2 eta)``. So
    relative to the centre it is

        ``L = e + a (N/N*)^(-2 eta) + b (D/D*)^(-2 eta)``,

    a sum of two powers with one exponent, with ``e``, ``a`` and ``b`` in the
    unit of the loss. `at_one` gives ``a`` and ``b`` as the paper prints them.

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
        mean = np.asarray(mean_loss, dtype=float)
        half = [float(v) for v in np.log(mean / 2.0)]
        powers = {name: Prior("LogNormal", mu=half, sigma=1.0) for name in ("a", "b")}
        return {"e": Prior("HalfNormal", sigma=[float(v) for v in mean]), **powers}

    def loss(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss.

        Parameters
        ----------
        x, z : array_like
            ``ln(N/N*)`` and ``ln(D/D*)``.
        coefficients : mapping
            ``e``, ``a``, ``b``, ``eta_c``, and optionally ``offset``, which only
            `unit` sets; broadcasting against `x` and `z`.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        c = coefficients
        xp = namespace(x, z, *c.values())
        total = c["e"] + c["a"] * xp.exp(-2 * c["eta_c"] * x) + c["b"] * xp.exp(-2 * c["eta_c"] * z)
        return total + c["offset"] if "offset" in c else total

    def slope(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return ``-dL/dx = 2 eta a (N/N*)^(-2 eta)``.

        Parameters
        ----------
        x, z, coefficients
            As for `loss`.

        Returns
        -------
        array_like
            Loss per unit of ``ln N``; positive.
        """
        c = coefficients
        xp = namespace(x, *c.values())
        return 2 * c["eta_c"] * c["a"] * xp.exp(-2 * c["eta_c"] * x)

    def limit(self, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss at infinite size, ``e + b (D/D*)^(-2 eta)``.

        Parameters
        ----------
        z, coefficients
            As for `loss`.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        c = coefficients
        xp = namespace(z, *c.values())
        rest = c["e"] + c["b"] * xp.exp(-2 * c["eta_c"] * z)
        return rest + c["offset"] if "offset" in c else rest

    def log_size(self, loss: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the size at which a loss is reached.

        Parameters
        ----------
        loss : array_like
            In the unit of the law.
        z, coefficients
            As for `loss` (numbers only).

        Returns
        -------
        numpy.ndarray
            ``ln(N/N*)``; NaN where no size reaches the loss.
        """
        c = coefficients
        return size_of_power(loss, self.limit(z, c), c["a"], 2 * c["eta_c"])

    def unit(self, shape: Coefficients) -> dict[str, Any]:
        """Return the coefficients of a loss without a scale, as `PowerSum.unit` does.

        Parameters
        ----------
        shape : mapping
            ``eta_c``.

        Returns
        -------
        dict
            All coefficients and the ``offset``.
        """
        inverse = 1.0 / (2 * shape["eta_c"])
        zero = 0.0 * shape["eta_c"]
        return {"e": zero, "a": inverse, "b": zero, "eta_c": shape["eta_c"], "offset": -inverse}

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
            ``a`` and ``b``.
        """
        c = coefficients
        six = np.log(FLOP_PER_PARAMETER_AND_TOKEN)
        return {
            "a": c["a"] * np.exp(c["eta_c"] * (six + 2 * log_size)),
            "b": c["b"] * np.exp(c["eta_c"] * (six + 2 * log_tokens)),
        }
