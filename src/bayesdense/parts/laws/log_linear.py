"""No bend: the loss falls by as much with every doubling of the size."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.laws.base import Coefficients, LossLaw, laws
from bayesdense.priors import Prior

__all__ = ["LogLinear"]


@laws.register
class LogLinear(LossLaw):
    r"""``L = e - a ln(N/N*)``, the limit of a power of small exponent.

    With scores only, the logit of the score is a straight line in ``ln N``, as
    in latent skill models (Sloth, Polo et al. 2024), and no score below the
    ceiling is beyond reach. With losses it is a description within
    the range of the runs, not a law: the loss falls below zero in the end.
    ``e`` and ``a`` are in the unit of the loss; tokens play no part.

    Examples
    --------
    >>> c = {"e": 3.0, "a": 0.25}
    >>> float(round(LogLinear().loss(np.log(2.0), 0.0, c), 9))
    2.826713205
    >>> float(round(np.exp(LogLinear().log_size(2.75, 0.0, c)), 9))
    2.718281828
    """

    name: ClassVar[str] = "log-linear"
    equation: ClassVar[str] = "L = e - a ln(N/N*)"
    coefficients: ClassVar[tuple[str, ...]] = ("e", "a")

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of ``e`` and ``a``.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            ``e``, the loss at the centre, near the mean loss; ``a`` a tenth of
            it, within a factor of e.
        """
        mean = np.asarray(mean_loss, dtype=float)
        return {
            "e": Prior("LogNormal", mu=[float(v) for v in np.log(mean)], sigma=0.5),
            "a": Prior("LogNormal", mu=[float(v) for v in np.log(0.1 * mean)], sigma=1.0),
        }

    def loss(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss.

        Parameters
        ----------
        x, z : array_like
            ``ln(N/N*)``; ``z`` is not used.
        coefficients : mapping
            With ``e`` and ``a``.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        return coefficients["e"] - coefficients["a"] * x

    def slope(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return ``-dL/dx``, which is ``a`` everywhere.

        Parameters
        ----------
        x, z, coefficients
            As for `loss`.

        Returns
        -------
        array_like
            Loss per unit of ``ln N``; positive.
        """
        return coefficients["a"] + 0.0 * x

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
            ``ln(N/N*)``.
        """
        found = (coefficients["e"] - np.asarray(loss, dtype=float)) / coefficients["a"]
        return np.where(np.isfinite(found), found, np.nan)

    def unit(self, shape: Coefficients) -> dict[str, Any]:
        """Return the coefficients of a loss without a scale: ``L = -ln(N/N*)``.

        Parameters
        ----------
        shape : mapping
            Empty: nothing is left to be estimated.

        Returns
        -------
        dict
            ``e`` 0 and ``a`` 1.
        """
        return {"e": 0.0, "a": 1.0}
