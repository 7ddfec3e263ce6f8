"""What laws share whose loss falls as one power of the size above a rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesdense.parts.laws.base import Coefficients, LossLaw
from bayesdense.parts.namespace import namespace

__all__ = ["SizePower"]


class SizePower(LossLaw):
    """``L = rest(D) + amplitude exp(-exponent x)``, with ``x = ln(N/N*)``.

    A subclass says what the amplitude, the exponent and the rest are; loss,
    slope, limit and inverse follow. Such a law has a form for scores only as
    soon as it names its `shape` and fills in `unit`.
    """

    def amplitude(self, coefficients: Coefficients) -> Any:
        """Return what the size term contributes at the centre."""
        return coefficients["loss_size_term"]

    def exponent(self, coefficients: Coefficients) -> Any:
        """Return how fast the size term falls, per unit of ``ln N``."""
        return coefficients["alpha"]

    def rest(self, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss without the size term, at ``z = ln(D/D*)``."""
        raise NotImplementedError

    def loss(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss.

        Parameters
        ----------
        x, z : array_like
            ``ln(N/N*)`` and ``ln(D/D*)``; numbers, arrays or symbols.
        coefficients : mapping
            All coefficients, broadcasting against `x` and `z`, and optionally
            ``offset``, which only `unit` sets.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        return self.limit(z, coefficients) + self._size_term(x, coefficients)

    def slope(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return ``-dL/dx``, exponent times size term.

        Parameters
        ----------
        x, z, coefficients
            As for `loss`.

        Returns
        -------
        array_like
            Loss per unit of ``ln N``; positive.
        """
        return self.exponent(coefficients) * self._size_term(x, coefficients)

    def limit(self, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss at infinite size, which is the rest.

        Parameters
        ----------
        z, coefficients
            As for `loss`.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        rest = self.rest(z, coefficients)
        return rest + coefficients["offset"] if "offset" in coefficients else rest

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
        limit = np.asarray(self.limit(z, coefficients), dtype=float)
        above = np.asarray(loss, dtype=float) - limit
        with np.errstate(divide="ignore", invalid="ignore"):
            x = -np.log(above / self.amplitude(coefficients)) / self.exponent(coefficients)
            return np.where(above > 0, x, np.nan)

    def unit(self, shape: Coefficients) -> dict[str, Any]:
        """Return the coefficients of a loss without a scale.

        With scores only, the loss can be shifted and stretched at will. Here
        it is 0 at the centre and falls there by 1 per unit of ``ln N``:
        ``L = (exp(-k x) - 1) / k`` with the exponent ``k``. Tokens, floor and
        all else play no part.

        Parameters
        ----------
        shape : mapping
            The coefficients named in ``shape``.

        Returns
        -------
        dict
            All coefficients and the ``offset``.
        """
        inverse = 1.0 / self.exponent(shape)
        others = dict.fromkeys(self.coefficients, 0.0 * inverse)
        return {**others, **shape, "loss_size_term": inverse, "offset": -inverse}

    def _size_term(self, x: Any, coefficients: Coefficients) -> Any:
        xp = namespace(x, *coefficients.values())
        return self.amplitude(coefficients) * xp.exp(-self.exponent(coefficients) * x)
