"""What a loss law has to offer; each law is one file that implements it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from bayesdense.errors import BayesdenseError
from bayesdense.parts.registry import Registry
from bayesdense.parts.settings import call_of
from bayesdense.priors import Prior

__all__ = ["Coefficients", "LossLaw", "amplitude_priors", "floor_prior", "laws"]

Coefficients = Mapping[str, Any]
"""Coefficients of a law by name; numbers, arrays or symbols that broadcast."""

STEP = 1e-4
FAR = 300.0
HALVINGS = 80


class LossLaw:
    """The loss of a reference family, falling in parameters and in tokens.

    Sizes enter relative to the centre of the reference runs:
    ``x = ln(N / N*)`` and ``z = ln(D / D*)``, with the geometric means ``N*``
    and ``D*``, so that coefficients are of the size of the data.

    A law of one's own is a subclass with a name, its equation, the names of
    its coefficients, their priors and the loss; the rest is worked out
    numerically unless the subclass knows better.

    Attributes
    ----------
    name : str
        Under which the law is registered.
    equation : str
        The law as one line, for reports.
    coefficients : tuple of str
        Names of all coefficients.
    exponents : tuple of str
        Those that are exponents: positive, and partially pooled over loss sets.
    exponent_centre : float
        Median of the default prior of an exponent.
    shape : tuple of str
        Those that remain when only scores are seen, when the loss has no
        scale of its own; empty if the law cannot do without losses.
    terms : tuple of str
        The amplitudes, in the order of their exponents, where the law is a
        sum of such terms.
    floor : str
        The coefficient that is the loss at infinite size and tokens, where the
        law is a sum of it and the terms.
    covariates : tuple of str
        What the law reads of a run besides its size and tokens, as columns of
        the models table; 0 for the effective size that targets are read as.
    symbols : mapping of str to str
        How papers write coefficients, by name, for tables and figures; those
        that other laws have as well need none.

    Examples
    --------
    >>> class OnePower(LossLaw):
    ...     name, equation = "one-power", "L = a (N/N*)^-alpha"
    ...     coefficients, exponents = ("loss_size_term", "alpha"), ("alpha",)
    ...     def priors(self, mean_loss):
    ...         return {"loss_size_term": Prior("LogNormal", mu=np.log(mean_loss), sigma=1.0)}
    ...     def loss(self, x, z, c):
    ...         return c["loss_size_term"] * np.exp(-c["alpha"] * x)
    >>> float(OnePower().log_size(0.5, 0.0, {"loss_size_term": 1.0, "alpha": 0.5}).round(6))
    1.386294
    """

    name: ClassVar[str]
    equation: ClassVar[str]
    coefficients: ClassVar[tuple[str, ...]]
    exponents: ClassVar[tuple[str, ...]] = ()
    exponent_centre: ClassVar[float] = 0.3
    shape: ClassVar[tuple[str, ...]] = ()
    terms: ClassVar[tuple[str, ...]] = ()
    floor: ClassVar[str] = ""
    covariates: ClassVar[tuple[str, ...]] = ()
    symbols: ClassVar[Mapping[str, str]] = {}

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of the coefficients that are not exponents.

        Parameters
        ----------
        mean_loss : numpy.ndarray, shape (loss_set,)
            Mean observed loss of each loss set, in its unit.

        Returns
        -------
        dict of str to Prior
        """
        raise NotImplementedError

    def loss(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss.

        Parameters
        ----------
        x, z : array_like
            ``ln(N/N*)`` and ``ln(D/D*)``; numbers, arrays or symbols.
        coefficients : mapping
            All coefficients, and the covariates, by name, broadcasting
            against `x` and `z`.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        raise NotImplementedError

    def slope(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return ``-dL/dx``, how fast the loss falls in log size.

        Parameters
        ----------
        x, z, coefficients
            As for `loss`.

        Returns
        -------
        array_like
            Loss per unit of ``ln N``; positive.
        """
        above, below = self.loss(x - STEP, z, coefficients), self.loss(x + STEP, z, coefficients)
        return (above - below) / (2 * STEP)

    def limit(self, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss at infinite size: the reach of the ruler.

        Parameters
        ----------
        z, coefficients
            As for `loss`.

        Returns
        -------
        array_like
            In the unit of the loss.
        """
        return self.loss(FAR + 0.0 * z, z, coefficients)

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
        shape = np.broadcast_shapes(*(np.shape(v) for v in (loss, z, *coefficients.values())))
        low, high = np.full(shape, -FAR / 6), np.full(shape, FAR / 6)
        inside = (self.loss(low, z, coefficients) >= loss) & (
            self.loss(high, z, coefficients) < loss
        )
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            above = self.loss(middle, z, coefficients) >= loss
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.where(inside, (low + high) / 2, np.nan)

    def unit(self, shape: Coefficients) -> dict[str, Any]:
        """Return coefficients with loss 0 and slope 1 at the centre, for scores only.

        Parameters
        ----------
        shape : mapping
            The coefficients named in ``shape``.

        Returns
        -------
        dict
            All coefficients, and an ``offset`` that `loss` adds.

        Raises
        ------
        BayesdenseError
            If the law cannot do without losses.
        """
        raise BayesdenseError(
            f"the loss law '{self.name}' needs losses of the reference models; with scores only "
            f"use one of {', '.join(n for n in laws if type(laws.get(n)).unit is not LossLaw.unit)}"
        )

    def at_one(
        self, coefficients: Coefficients, log_size: float, log_tokens: float
    ) -> dict[str, Any]:
        """Return the coefficients as papers print them, with ``N`` and ``D`` in counts.

        Parameters
        ----------
        coefficients : mapping
            All coefficients, relative to the centre (numbers only).
        log_size, log_tokens : float
            ``ln N*`` and ``ln D*``.

        Returns
        -------
        dict
            What a paper would print, by name; as they are where the law says
            nothing else.
        """
        return dict(coefficients)

    def __repr__(self) -> str:
        """Return the call that makes this law."""
        return call_of(self)


def amplitude_priors(mean_loss: Any) -> dict[str, Prior]:
    """Return priors of the two terms that make up the loss between them.

    Parameters
    ----------
    mean_loss : array_like of float, shape (loss_set,)
        Mean observed loss of each loss set, in its unit.

    Returns
    -------
    dict of str to Prior
        Half the mean loss each, within a factor of e.
    """
    half = [float(v) for v in np.log(np.asarray(mean_loss, dtype=float) / 2.0)]
    return {
        name: Prior("LogNormal", mu=half, sigma=1.0)
        for name in ("loss_size_term", "loss_token_term")
    }


def floor_prior(mean_loss: Any) -> Prior:
    """Return the prior of a loss that no model gets below.

    Parameters
    ----------
    mean_loss : array_like of float, shape (loss_set,)
        Mean observed loss of each loss set, in its unit.

    Returns
    -------
    Prior
        Half-normal with the mean loss as its scale: no floor is not excluded.
    """
    return Prior("HalfNormal", sigma=[float(v) for v in np.asarray(mean_loss, dtype=float)])


laws: Registry[LossLaw] = Registry(
    "loss law",
    needs=(
        "equation",
        "coefficients",
        "exponents",
        "shape",
        "terms",
        "floor",
        "covariates",
        "priors",
        "loss",
        "slope",
        "limit",
        "log_size",
        "unit",
        "at_one",
    ),
)
