"""Coordinates in which the sampler sees a variable; distributions do not change."""

from __future__ import annotations

from typing import Any

import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

__all__ = ["TotalAndSplit", "total_and_split"]


class TotalAndSplit(Transform):
    """Some logarithms as the logarithm of the sum and how the sum is split.

    ``ln x_i = ln T + ln p_i``, with the shares ``p`` as the softmax of
    ``(s_1, ..., s_n-1, 0)``. In the coordinates ``(ln T, s_1, ..., s_n-1)`` the
    volume is the same: subtracting the row of the last logarithm from the
    others leaves a unit matrix. A shift that the logarithms do not enter,
    the last parameter of the distribution, is added to the ``s``; that keeps
    the volume as well.
    """

    name = "total_and_split"

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return ``(ln T, s + shift)`` of the logarithms on the last axis."""
        # An index and a new axis: only then is it known that the axis has one entry.
        total, last = pt.logsumexp(value, axis=-1)[..., None], value[..., -1][..., None]
        return pt.concatenate([total, value[..., :-1] - last + self._shift(inputs)], axis=-1)

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the logarithms of ``(ln T, s + shift)`` on the last axis."""
        total, split = value[..., 0][..., None], value[..., 1:] - self._shift(inputs)
        # A row of zeros for the last share would be a constant, of which numba makes no code.
        peak = pt.maximum(split.max(axis=-1)[..., None], 0.0)
        sums = pt.exp(split - peak).sum(axis=-1)[..., None] + pt.exp(-peak)
        last = total - peak - pt.log(sums)
        return pt.concatenate([last + split, last], axis=-1)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return zero: the volume is the same."""
        return pt.zeros_like(value)

    @staticmethod
    def _shift(inputs: tuple[Any, ...]) -> Any:
        return inputs[-1][..., :-1] if inputs else 0.0


total_and_split = TotalAndSplit()
