"""Division, root and logarithm whose gradients are products of what is there already.

The derivative of ``1/x`` is written as ``-(1/x)^2``, not as ``-1/x^2``, and so on: a division takes
four times as long as a product, and automatic gradients have several for each that is written
down. Values and derivatives are those of the usual functions.
"""

from __future__ import annotations

from typing import Any

from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.scalar.basic import Log, Pow, Reciprocal, Sqrt, TrueDiv, upgrade_to_float
from pytensor.tensor.basic import get_underlying_scalar_constant_value
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.exceptions import NotScalarConstantError

__all__ = ["inverse", "logarithm", "root", "with_cheap_gradients"]


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


POWERS: dict[float | None, Any] = {-1.0: inverse, -2.0: lambda x: inverse(x**2), 0.5: root}


def with_cheap_gradients(outputs: list[Any]) -> list[Any]:
    """Return the same tensors with their divisions, roots and logarithms replaced.

    Parameters
    ----------
    outputs : list of tensor
        To be differentiated; nothing of them is changed.

    Returns
    -------
    list of tensor
        Of equal value.
    """
    graph = FunctionGraph(outputs=outputs, clone=False)
    _cheaper.rewrite(graph)
    return list(graph.outputs)


@node_rewriter([Elemwise])
def _cheap(_: Any, node: Any) -> list[Any] | None:
    scalar, out = node.op.scalar_op, node.outputs[0]
    if type(scalar) not in (TrueDiv, Reciprocal, Sqrt, Log, Pow) or out.dtype != "float64":
        return None
    first = node.inputs[0]
    if type(scalar) is TrueDiv:
        # A division by a number stays: its gradient is one too.
        new = None if _number(node.inputs[1]) is not None else first * inverse(node.inputs[1])
    elif type(scalar) is Reciprocal:
        new = inverse(first)
    elif type(scalar) is Sqrt:
        new = root(first)
    elif type(scalar) is Log:
        new = logarithm(first)
    else:
        made = POWERS.get(_number(node.inputs[1]))
        new = None if made is None else made(first)
    if new is None or new.type.dtype != out.type.dtype or new.type.ndim != out.type.ndim:
        return None
    return [new]


def _number(value: Any) -> float | None:
    """Return a constant, or None where a tensor is none."""
    try:
        return float(get_underlying_scalar_constant_value(value))
    except NotScalarConstantError:
        return None


_cheaper = in2out(_cheap, name="cheap_gradients")
