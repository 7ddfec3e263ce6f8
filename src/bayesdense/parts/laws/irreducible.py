"""A sum of two powers above an irreducible loss."""

from __future__ import annotations

from typing import Any, ClassVar

from bayesdense.parts.laws.base import Coefficients, floor_prior, laws
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
    >>> import numpy as np
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
        return {"e": floor_prior(mean_loss), **super().priors(mean_loss)}

    def rest(self, z: Any, coefficients: Coefficients) -> Any:
        """Return ``e + b (D/D*)^-beta``; arguments as for `PowerSum.rest`."""
        return coefficients["e"] + super().rest(z, coefficients)
