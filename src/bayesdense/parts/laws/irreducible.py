"""A sum of two powers above an irreducible loss."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.laws.base import Coefficients, laws
from bayesdense.parts.laws.power_sum import PowerSum
from bayesdense.priors import Prior

__all__ = ["Irreducible"]


@laws.register
class Irreducible(PowerSum):
    r"""``L(N, D) = e + a (N/N*)^-alpha + b (D/D*)^-beta``.

    The law of Hoffmann et al. (arXiv 2203.15556), which MiniCPM (arXiv
    2404.06395) fits as well: `PowerSum` above the loss ``e`` that no model
    gets below, in the unit of the loss. With ``e = 0`` it is `PowerSum`.

    Examples
    --------
    >>> c = {"e": 1.5, "a": 2.0, "alpha": 0.5, "b": 1.0, "beta": 0.3}
    >>> float(round(Irreducible().loss(np.log(100.0), 0.0, c), 12))
    2.7
    >>> float(Irreducible().limit(0.0, c))
    2.5
    """

    name: ClassVar[str] = "irreducible"
    equation: ClassVar[str] = "L = e + a (N/N*)^-alpha + b (D/D*)^-beta"
    coefficients: ClassVar[tuple[str, ...]] = ("e", "a", "alpha", "b", "beta")
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
            ``e`` half-normal with the mean loss as its scale; the others as
            in `PowerSum`.
        """
        scale = [float(v) for v in np.asarray(mean_loss, dtype=float)]
        return {"e": Prior("HalfNormal", sigma=scale), **super().priors(mean_loss)}

    def loss(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss.

        Parameters
        ----------
        x, z : array_like
            ``ln(N/N*)`` and ``ln(D/D*)``.
        coefficients : mapping
            As for `PowerSum.loss`, and ``e``.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        return coefficients["e"] + super().loss(x, z, coefficients)

    def limit(self, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss at infinite size, ``e + b (D/D*)^-beta``.

        Parameters
        ----------
        z, coefficients
            As for `loss`.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        return coefficients["e"] + super().limit(z, coefficients)

    def unit(self, shape: Coefficients) -> dict[str, Any]:
        """Return the coefficients of a loss without a scale: those of `PowerSum`, ``e = 0``.

        Parameters
        ----------
        shape : mapping
            ``alpha``.

        Returns
        -------
        dict
            All coefficients and the ``offset``, which takes the place of ``e``.
        """
        return {"e": 0.0 * shape["alpha"], **super().unit(shape)}
