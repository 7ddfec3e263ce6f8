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
    2404.06395) fits as well: `PowerSum` above the loss ``e``, the variable
    ``loss_floor``, that no model gets below, in the unit of the loss. With
    ``e = 0`` it is `PowerSum`.

    Examples
    --------
    >>> import numpy as np
    >>> c = {"loss_size_term": 2.0, "alpha": 0.5, "loss_token_term": 1.0, "beta": 0.3}
    >>> c["loss_floor"] = 1.5
    >>> float(round(Irreducible().loss(np.log(100.0), 0.0, c), 12))
    2.7
    >>> float(Irreducible().limit(0.0, c))
    2.5
    """

    name: ClassVar[str] = "irreducible"
    equation: ClassVar[str] = "L = e + a (N/N*)^-alpha + b (D/D*)^-beta"
    coefficients: ClassVar[tuple[str, ...]] = (
        "loss_floor",
        "loss_size_term",
        "alpha",
        "loss_token_term",
        "beta",
    )
    floor: ClassVar[str] = "loss_floor"

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of ``loss_floor``, ``loss_size_term`` and ``loss_token_term``.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            ``loss_floor`` half-normal with the mean loss as its scale; the others as
            in `PowerSum`.
        """
        return {"loss_floor": floor_prior(mean_loss), **super().priors(mean_loss)}

    def rest(self, z: Any, coefficients: Coefficients) -> Any:
        """Return ``e + b (D/D*)^-beta``; arguments as for `PowerSum.rest`."""
        return coefficients["loss_floor"] + super().rest(z, coefficients)
