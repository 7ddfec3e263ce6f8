"""The scaled complementary error function by the name of its code.

PyTensor has Python look for SciPy's function when compiled code first calls it, which code that is
loaded from a file cannot do. Here compiled code leaves a name open, and LLVM is told once in
a process where that is: the same function, called in a plainer way.
"""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["call_by_name"]

SYMBOL = "bayesdense_erfcx"
MODULE, NAME = "scipy.special.cython_special", "__pyx_fuse_1erfcx"


@cache
def call_by_name() -> None:
    """Have PyTensor compile calls of erfcx so, from now on in this process."""
    import llvmlite.binding as llvm
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import get_cython_function_address, intrinsic
    from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_and_cache_key
    from pytensor.link.numba.dispatch.scalar import numba_funcify_ScalarOp
    from pytensor.scalar.math import Erfcx

    llvm.add_symbol(SYMBOL, get_cython_function_address(MODULE, NAME))

    @intrinsic
    def code_of(_: Any, x: Any) -> Any:
        def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
            # SciPy's function has a second parameter, of Cython's own.
            kind = ir.FunctionType(ir.DoubleType(), [ir.DoubleType(), ir.IntType(32)])
            there = cgutils.get_or_insert_function(builder.module, kind, SYMBOL)
            return builder.call(there, [given[0], ir.Constant(ir.IntType(32), 1)])

        return types.float64(types.float64), code

    @register_funcify_and_cache_key(Erfcx)
    def funcify(op: Any, node: Any, **more: Any) -> Any:
        if any(str(value.type.dtype) != "float64" for value in (*node.inputs, *node.outputs)):
            return numba_funcify_ScalarOp(op, node, **more)

        @numba_njit
        def erfcx(x):  # type: ignore[no-untyped-def]
            return code_of(x)  # type: ignore[call-arg]

        return erfcx, f"{SYMBOL} of {MODULE}.{NAME}"
