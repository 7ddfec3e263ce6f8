"""Coordinates in which the sampler sees a variable; distributions do not change."""

from __future__ import annotations

from typing import Any

import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

__all__ = ["TotalAndSplit", "total_and_split"]


class TotalAndSplit(Transform):
    """Two logarithms as the logarithm of the sum and the logit of the first's share.

    ``ln x = ln T + ln p`` and ``ln y = ln T + ln(1 - p)``. In these
    coordinates the volume is the same: the determinant is ``p + (1 - p) = 1``.
    """

    name = "total_and_split"

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return ``(ln T, logit p)`` of ``(ln x, ln y)`` on the last axis."""
        first, second = value[..., 0], value[..., 1]
        return pt.stack([pt.logaddexp(first, second), first - second], axis=-1)

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return ``(ln x, ln y)`` of ``(ln T, logit p)`` on the last axis."""
        total, logit = value[..., 0], value[..., 1]
        return pt.stack([total - pt.softplus(-logit), total - pt.softplus(logit)], axis=-1)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return zero: the volume is the same."""
        return pt.zeros_like(value)


total_and_split = TotalAndSplit()
