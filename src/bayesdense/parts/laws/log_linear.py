"""No bend: the loss falls by as much with every doubling of the size."""

from __future__ import annotations

from collections.abc import Mapping
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
    ``e``, the variable ``loss_at_centre``, and ``a``, the variable
    ``loss_log_slope``, are in the unit of the loss; tokens play no part.

    Examples
    --------
    >>> c = {"loss_at_centre": 3.0, "loss_log_slope": 0.25}
    >>> float(round(LogLinear().loss(np.log(2.0), 0.0, c), 9))
    2.826713205
    >>> float(round(np.exp(LogLinear().log_size(2.75, 0.0, c)), 9))
    2.718281828
    """

    name: ClassVar[str] = "log-linear"
    equation: ClassVar[str] = "L = e - a ln(N/N*)"
    coefficients: ClassVar[tuple[str, ...]] = ("loss_at_centre", "loss_log_slope")
    symbols: ClassVar[Mapping[str, str]] = {"loss_at_centre": "e", "loss_log_slope": "a"}

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of ``loss_at_centre`` and ``loss_log_slope``.

        Parameters
        ----------
        mean_loss : array_like of float, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
            ``loss_at_centre`` near the mean loss; ``loss_log_slope`` a tenth of
            it, within a factor of e.
        """
        mean = np.asarray(mean_loss, dtype=float)
        return {
            "loss_at_centre": Prior("LogNormal", mu=[float(v) for v in np.log(mean)], sigma=0.5),
            "loss_log_slope": Prior(
                "LogNormal", mu=[float(v) for v in np.log(0.1 * mean)], sigma=1.0
            ),
        }

    def loss(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss.

        Parameters
        ----------
        x, z : array_like
            ``ln(N/N*)``; ``z`` is not used.
        coefficients : mapping
            With ``loss_at_centre`` and ``loss_log_slope``.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        return coefficients["loss_at_centre"] - coefficients["loss_log_slope"] * x

    def slope(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return ``-dL/dx``, which is ``loss_log_slope`` everywhere.

        Parameters
        ----------
        x, z, coefficients
            As for `loss`.

        Returns
        -------
        array_like
            Loss per unit of ``ln N``; positive.
        """
        return coefficients["loss_log_slope"] + 0.0 * x

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
        found = (coefficients["loss_at_centre"] - np.asarray(loss, dtype=float)) / coefficients[
            "loss_log_slope"
        ]
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
            ``loss_at_centre`` 0 and ``loss_log_slope`` 1.
        """
        return {"loss_at_centre": 0.0, "loss_log_slope": 1.0}
