"""The joint law of Kaplan et al. above a floor."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.laws.base import Coefficients, floor_prior, laws
from bayesdense.parts.laws.kaplan import Kaplan
from bayesdense.priors import Prior

__all__ = ["KaplanFloor"]


@laws.register
class KaplanFloor(Kaplan):
    r"""``L(N, D) = e + [(Nc/N)^(alpha/beta) + Dc/D]^beta``.

    The joint law of Kaplan et al. (arXiv 2001.08361) above an irreducible
    loss ``e``, the variable ``loss_floor``, in the unit of the loss:
    ``E + ((A/N)^(alpha/beta) + B/D)^beta`` in the notation of others. With
    ``e = 0`` it is `Kaplan`.

    Examples
    --------
    >>> c = {"loss_size_term": 2.0, "alpha": 1.0, "loss_token_term": 1.0, "beta": 1.0}
    >>> c["loss_floor"] = 0.5
    >>> float(round(KaplanFloor().loss(np.log(4.0), np.log(2.0), c), 12))
    1.5
    """

    name: ClassVar[str] = "kaplan-floor"
    equation: ClassVar[str] = "L = e + [(Nc/N)^(alpha/beta) + Dc/D]^beta"
    coefficients: ClassVar[tuple[str, ...]] = (
        "loss_floor",
        "loss_size_term",
        "alpha",
        "loss_token_term",
        "beta",
    )

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of ``loss_floor``, ``loss_size_term`` and ``loss_token_term``.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            ``loss_floor`` half-normal with the mean loss as its scale.
        """
        return {"loss_floor": floor_prior(mean_loss), **super().priors(mean_loss)}

    def loss(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss.

        Parameters
        ----------
        x, z : array_like
            ``ln(N/N*)`` and ``ln(D/D*)``.
        coefficients : mapping
            As for `Kaplan.loss`, and ``loss_floor``.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        return coefficients["loss_floor"] + super().loss(x, z, coefficients)

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
        return coefficients["loss_floor"] + super().limit(z, coefficients)

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
        # Kaplan's inverse asks for its own limit, so the floor comes off both.
        above = np.asarray(loss, dtype=float) - coefficients["loss_floor"]
        return Kaplan().log_size(above, z, coefficients)
