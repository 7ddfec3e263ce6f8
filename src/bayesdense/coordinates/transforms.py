"""Coordinates in which the sampler sees a variable; distributions do not change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform
from pytensor.tensor.random.type import RandomType

from bayesdense.parts.namespace import namespace, special

__all__ = [
    "Bent",
    "Ceiling",
    "Floor",
    "MovedCoordinates",
    "MovedLogarithm",
    "MovedTogether",
    "TotalAndSplit",
    "end_transforms",
    "moved_coordinates",
    "moved_from_data",
    "moved_logarithm",
    "moved_together",
    "total_and_split",
]

NEWTON_STEPS = 40


def _parameters(inputs: tuple[Any, ...]) -> list[Any]:
    """Return the parameters of a distribution, without its size and its generator."""
    return [i for i in inputs if not isinstance(i.type, RandomType)][1:]


class MovedCoordinates(Transform):
    """``rate value + shift``, by the last two parameters of the distribution.

    `from_origin` says that 0 is where the data put the coordinate, so that
    chains start there.
    """

    name = "moved"

    def __init__(self, *, from_origin: bool) -> None:
        self.from_origin = from_origin

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return ``rate value + shift``."""
        rate, shift = self._of(inputs)
        return rate * value + shift

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return ``(y - shift) / rate`` of the coordinate ``y``."""
        rate, shift = self._of(inputs)
        return (value - shift) / rate

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return ``-ln rate`` for every entry."""
        rate, _ = self._of(inputs)
        return pt.zeros_like(value) - pt.log(rate)

    def _of(self, inputs: tuple[Any, ...]) -> tuple[Any, Any]:
        *_, rate, shift = _parameters(inputs)
        return rate, shift


class MovedLogarithm(Transform):
    """``rate ln value + shift``, by the last two parameters of the distribution."""

    name = "moved_log"

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return ``rate ln value + shift``."""
        *_, rate, shift = _parameters(inputs)
        return rate * pt.log(value) + shift

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return ``exp((y - shift) / rate)`` of the coordinate ``y``."""
        return pt.exp(self._log(value, inputs))

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return ``(y - shift) / rate - ln rate``."""
        *_, rate, _ = _parameters(inputs)
        return self._log(value, inputs) - pt.log(rate)

    @staticmethod
    def _log(value: Any, inputs: tuple[Any, ...]) -> Any:
        *_, rate, shift = _parameters(inputs)
        return (value - shift) / rate


class MovedTogether(Transform):
    """``u = ln value + shift``, less a share of what all entries have in common.

    The coordinates are ``u - share unit mean(u / unit)``, by the last three
    parameters of the distribution: shift, share (below 1) and unit. Of entries that
    are correlated alike, each with the standard deviation ``unit``, the common
    part is so brought to the size of the differences.
    """

    name = "moved_together"

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return ``u - share unit mean(u / unit)``."""
        *_, shift, share, unit = _parameters(inputs)
        u = pt.log(value) + shift
        return u - share * unit * (u / unit).mean()

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the values at some coordinates."""
        return pt.exp(self._log(value, inputs))

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return the logarithms of the values, and what the common part is stretched by."""
        *_, share, _ = _parameters(inputs)
        return self._log(value, inputs) - pt.log1p(-share) / value.shape[0]

    @staticmethod
    def _log(value: Any, inputs: tuple[Any, ...]) -> Any:
        *_, shift, share, unit = _parameters(inputs)
        return value + share / (1.0 - share) * unit * (value / unit).mean() - shift


class Ceiling(Transform):
    """``u = Phi(y)^(1/k)`` for a share ``u`` that is likely to be near 1.

    Beta(k, 1) is the standard Normal in ``y``, whatever else the density is.
    On the log odds its upper tail would fall off no faster than exponentially,
    while its lower end is a wall of scores near the ceiling.
    """

    name = "ceiling"

    def __init__(self, power: float) -> None:
        self.power = power

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return ``y`` of the share."""
        return -np.sqrt(2.0) * special(value).erfcinv(2.0 * value**self.power)

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the share at ``y``."""
        return pt.exp(_log_phi(value) / self.power)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return ``ln du/dy``."""
        log_density = -0.5 * value**2 - 0.5 * np.log(2.0 * np.pi)
        return log_density + (1.0 / self.power - 1.0) * _log_phi(value) - np.log(self.power)


class Floor(Transform):
    """``d = scale (y Phi(y) + phi(y))`` for a positive ``d`` that may be near 0.

    Far from 0 it is ``scale y``; towards it the density in ``y`` falls off as
    that of a Normal, where on the logarithm it would be exponential.
    """

    name = "floor"

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return ``y`` of ``d``, by Newton's method from the right of a convex function."""
        wanted = value / self.scale
        y = wanted
        for _ in range(NEWTON_STEPS):
            y = y - (self._height(y) - wanted) / namespace(y).exp(_log_phi(y))
        return y

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return ``d`` at ``y``."""
        return self.scale * self._height(value)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return ``ln dd/dy``."""
        return _log_phi(value) + np.log(self.scale)

    @staticmethod
    def _height(y: Any) -> Any:
        xp = namespace(y)
        return y * xp.exp(_log_phi(y)) + xp.exp(-0.5 * y**2) / np.sqrt(2.0 * np.pi)


def _log_phi(y: Any) -> Any:
    """Return the logarithm of the standard Normal's distribution function."""
    return namespace(y).log(0.5 * special(y).erfc(-y / np.sqrt(2.0)))


class Bent(Transform):
    """``width asinh((y - place) / width)`` of the coordinate ``y`` of another transform.

    Place and width are the last two parameters of the distribution. A density that
    falls off slowly on one side and is a wall on the other is close to symmetric,
    with the place at the wall; with a large width nothing is bent.
    """

    def __init__(self, inner: Transform) -> None:
        self.inner = inner
        self.name = f"bent_{inner.name}"

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return the bent coordinate of the value."""
        *_, place, width = _parameters(inputs)
        return width * pt.arcsinh((self.inner.forward(value) - place) / width)

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the value at a bent coordinate."""
        return self.inner.backward(self._straight(value, inputs))

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return that of the other transform, and ``ln cosh(v / width)``."""
        *_, width = _parameters(inputs)
        along = pt.abs(value / width)
        stretch = along + pt.log1p(pt.exp(-2.0 * along)) - np.log(2.0)
        return self.inner.log_jac_det(self._straight(value, inputs)) + stretch

    @staticmethod
    def _straight(value: Any, inputs: tuple[Any, ...]) -> Any:
        *_, place, width = _parameters(inputs)
        return place + width * pt.sinh(value / width)


class TotalAndSplit(Transform):
    """Some logarithms as the logarithm of the sum and how the sum is split, turned.

    ``ln x_i = ln T + ln p_i``, with the shares ``p`` as the softmax of
    ``(s_1, ..., s_n-1, 0)``, and ``r = (ln T, s_1, ..., s_n-1)``. In ``r`` the
    volume is the same: subtracting the row of the last logarithm from the
    others leaves a unit matrix. The coordinates are ``turn (r - centre)``, with a
    triangular matrix that the logarithms do not enter. The last parameters of the
    distribution are the centre, the columns of the turn, and those of its inverse.
    """

    name = "total_and_split"

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return ``turn (r - centre)`` of the logarithms on the last axis."""
        centre, turn, _ = self._of(inputs)
        # An index and a new axis: only then is it known that the axis has one entry.
        total, last = pt.logsumexp(value, axis=-1)[..., None], value[..., -1][..., None]
        r = pt.concatenate([total, value[..., :-1] - last], axis=-1)
        return _product(turn, r - centre)

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the logarithms of ``turn (r - centre)`` on the last axis."""
        centre, _, back = self._of(inputs)
        r = centre + _product(back, value)
        total, split = r[..., 0][..., None], r[..., 1:]
        # A row of zeros for the last share would be a constant, of which numba makes no code.
        peak = pt.maximum(split.max(axis=-1)[..., None], 0.0)
        sums = pt.exp(split - peak).sum(axis=-1)[..., None] + pt.exp(-peak)
        last = total - peak - pt.log(sums)
        return pt.concatenate([last + split, last], axis=-1)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return the logarithms of the diagonal of the inverse turn."""
        _, _, back = self._of(inputs)
        diagonal = pt.stack([column[..., i] for i, column in enumerate(back)], axis=-1)
        return pt.zeros_like(value) + pt.log(diagonal)

    @staticmethod
    def _of(inputs: tuple[Any, ...]) -> tuple[Any, list[Any], list[Any]]:
        _, _, _, centre, *columns = _parameters(inputs)
        n = len(columns) // 2
        return centre, columns[:n], columns[n:]


def _product(columns: list[Any], vector: Any) -> Any:
    """Return the product of small matrices and vectors; as `dot` they take seconds to compile."""
    return sum(column * vector[..., i][..., None] for i, column in enumerate(columns))


moved_coordinates = MovedCoordinates(from_origin=False)
moved_from_data = MovedCoordinates(from_origin=True)
moved_logarithm = MovedLogarithm()
moved_together = MovedTogether()
total_and_split = TotalAndSplit()


def end_transforms(priors: Mapping[str, Any]) -> dict[str, Transform]:
    """Return the transforms of floors and ceilings, before they are bent.

    Parameters
    ----------
    priors : mapping of str to Prior
        All priors of the model.

    Returns
    -------
    dict of str to Transform
        Of ``map_floor`` and ``ceiling_share``, where they are there and have
        priors of the usual kind.
    """
    found: dict[str, Transform] = {}
    floor, share = priors.get("map_floor"), priors.get("ceiling_share")
    if floor is not None and floor.distribution == "TruncatedNormal":
        lower = np.asarray(floor.parameters.get("lower", -1.0))
        if np.all(lower == 0.0):
            found["map_floor"] = Floor(float(np.mean(floor.arrays()["sigma"])))
    if share is not None and share.distribution == "Beta":
        found["ceiling_share"] = Ceiling(float(np.mean(share.arrays()["alpha"])))
    return found
