"""What a loss law has to offer; each law is one file that implements it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from bayesdense.priors import Prior
from bayesdense.registry import Registry

__all__ = ["Coefficients", "LossLaw", "laws"]

Coefficients = Mapping[str, Any]
"""Coefficients of a law by name; numbers, arrays or symbols that broadcast."""


@runtime_checkable
class LossLaw(Protocol):
    """The loss of a reference family, falling in parameters and in tokens.

    Sizes enter relative to the centre of the reference runs:
    ``x = ln(N / N*)`` and ``z = ln(D / D*)``, with the geometric means ``N*``
    and ``D*``, so that coefficients are of the size of the data.

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
    shape : tuple of str
        Those that remain when only scores are seen, when the loss has no
        scale of its own.
    terms : tuple of str
        The two amplitudes, of the size and the token term, in the order of
        their exponents.
    """

    name: ClassVar[str]
    equation: ClassVar[str]
    coefficients: ClassVar[tuple[str, ...]]
    exponents: ClassVar[tuple[str, ...]]
    shape: ClassVar[tuple[str, ...]]
    terms: ClassVar[tuple[str, str]]

    def priors(self, mean_loss: Any) -> dict[str, Prior]:
        """Return the default priors of the coefficients that are not exponents."""
        ...

    def loss(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss at log size `x` and log tokens `z`."""
        ...

    def slope(self, x: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return how fast the loss falls in `x`, as a positive number."""
        ...

    def limit(self, z: Any, coefficients: Coefficients) -> Any:
        """Return the loss at infinite size: the reach of the ruler."""
        ...

    def log_size(self, loss: Any, z: Any, coefficients: Coefficients) -> Any:
        """Return the log size `x` at which the loss is reached, NaN where it never is."""
        ...

    def unit(self, shape: Coefficients) -> dict[str, Any]:
        """Return coefficients with loss 0 and slope 1 at the centre, given the shape."""
        ...


laws: Registry[LossLaw] = Registry(
    "loss law",
    needs=(
        "equation",
        "coefficients",
        "exponents",
        "shape",
        "terms",
        "priors",
        "loss",
        "slope",
        "limit",
        "log_size",
        "unit",
    ),
)
