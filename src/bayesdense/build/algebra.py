"""Division, root and logarithm whose gradients are products of what is there already.

The derivative of ``1/x`` is written as ``-(1/x)^2``, not as ``-1/x^2``, and so on: a division takes
four times as long as a product, and automatic gradients have several for each that is written
down. Values and derivatives are those of the usual functions.
"""

from __future__ import annotations

from typing import Any

from pytensor.scalar.basic import Log, Reciprocal, Sqrt, upgrade_to_float
from pytensor.tensor.elemwise import Elemwise

__all__ = ["inverse", "logarithm", "root"]


class _Inverse(Reciprocal):
    def pullback(self, inputs: Any, outputs: Any, gradients: Any) -> tuple[Any]:
        """Return ``-g y^2`` for ``y = 1/x``."""
        return (-gradients[0] * outputs[0] * outputs[0],)


class _Root(Sqrt):
    def pullback(self, inputs: Any, outputs: Any, gradients: Any) -> tuple[Any]:
        """Return ``g / (2 y)`` for the root ``y``."""
        return (0.5 * gradients[0] * _inverse(outputs[0]),)


class _Logarithm(Log):
    def pullback(self, inputs: Any, outputs: Any, gradients: Any) -> tuple[Any]:
        """Return ``g / x``."""
        return (gradients[0] * _inverse(inputs[0]),)


_inverse = _Inverse(upgrade_to_float, name="inverse")

inverse: Any = Elemwise(_inverse)
"""``1/x`` of a tensor."""

root: Any = Elemwise(_Root(upgrade_to_float, name="root"))
"""The square root of a positive tensor; its gradient divides by `inverse` of it."""

logarithm: Any = Elemwise(_Logarithm(upgrade_to_float, name="logarithm"))
"""The natural logarithm of a positive tensor; its gradient is `inverse`."""
