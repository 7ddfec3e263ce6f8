"""The loss law of the Densing Law paper: a sum of two powers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.laws.base import Coefficients, LossLaw, laws, size_of_power
from bayesdense.parts.namespace import namespace
from bayesdense.priors import Prior

__all__ = ["PowerSum"]


@laws.register
class PowerSum(LossLaw):
    r"""``L(N, D) = a (N/N*)^-alpha + b (D/D*)^-beta``.

    Equation 2 of the Densing Law paper (Xiao et al., arXiv 2412.04315), with
    the sizes relative to the centre ``N*``, ``D*`` of the reference runs:

    - ``a`` is what the size term contributes to the loss at the centre, and
      ``alpha`` how fast it falls with parameters,
    - ``b`` is what the token term contributes there, and ``beta`` how fast it
      falls with tokens.

    All four are positive; ``a`` and ``b`` are in the unit of the loss (nats
    per token, or bits per byte).

    Examples
    --------
    A hundred times the parameters at ``alpha = 0.5`` divide the size term by ten:

    >>> law = PowerSum()
    >>> c = {"a": 2.0, "alpha": 0.5, "b": 1.0, "beta": 0.3}
    >>> float(round(law.loss(np.log(100.0), 0.0, c), 12))
    1.2
    >>> float(round(np.exp(law.log_size(1.2, 0.0, c)), 9))
    100.0
    """

    name: ClassVar[str] = "power-sum"
    equation: ClassVar[str] = "L = a (N/N*)^-alpha + b (D/D*)^-beta"
    coefficients: ClassVar[tuple[str, ...]] = ("a", "alpha", "b", "beta")
    exponents: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    shape: ClassVar[tuple[str, ...]] = ("alpha",)
    terms: ClassVar[tuple[str, ...]] = ("a", "b")

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of the amplitudes.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            ``a`` and ``b``: half the mean loss each, within a factor of e.
        """
        half = [float(v) for v in np.log(np.asarray(mean_loss, dtype=float) / 2.0)]
        return {name: Prior("LogNormal", mu=half, sigma=1.0) for name in ("a", "b")}

    def loss(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss.

        Parameters
        ----------
        x, z : array_like
            ``ln(N/N*)`` and ``ln(D/D*)``.
        coefficients : mapping
            ``a``, ``alpha``, ``b``, ``beta``, broadcasting against `x` and
            `z`, and optionally ``offset``, which only `unit` sets.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        c = coefficients
        xp = namespace(x, z, *c.values())
        total = c["a"] * xp.exp(-c["alpha"] * x) + c["b"] * xp.exp(-c["beta"] * z)
        return total + c["offset"] if "offset" in c else total

    def slope(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return ``-dL/dx = a alpha (N/N*)^-alpha``.

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
        return c["a"] * c["alpha"] * xp.exp(-c["alpha"] * x)

    def limit(self, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss at infinite size, ``b (D/D*)^-beta``.

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
        rest = c["b"] * xp.exp(-c["beta"] * z)
        return rest + c["offset"] if "offset" in c else rest

    def log_size(self, loss: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the size at which a loss is reached: equation 4, second step.

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
        return size_of_power(loss, self.limit(z, c), c["a"], c["alpha"])

    def at_one(
        self, coefficients: Coefficients, log_size: float, log_tokens: float
    ) -> dict[str, Any]:
        """Return ``a`` and ``b`` at ``N = 1`` and ``D = 1``: ``a N*^alpha``, ``b D*^beta``.

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
        return {
            "a": c["a"] * np.exp(c["alpha"] * log_size),
            "b": c["b"] * np.exp(c["beta"] * log_tokens),
        }

    def unit(self, shape: Coefficients) -> dict[str, Any]:
        """Return the coefficients of a loss without a scale.

        With scores only, the loss can be shifted and stretched at will. Here
        it is 0 at the centre and falls there by 1 per unit of ``ln N``:
        ``L = (exp(-alpha x) - 1) / alpha``, and tokens play no part.

        Parameters
        ----------
        shape : mapping
            ``alpha``.

        Returns
        -------
        dict
            All coefficients and the ``offset``.
        """
        alpha = shape["alpha"]
        zero = 0.0 * alpha
        return {
            "a": 1.0 / alpha,
            "alpha": alpha,
            "b": zero,
            "beta": zero + 1.0,
            "offset": -1.0 / alpha,
        }
