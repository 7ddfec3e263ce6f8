"""Models that lag behind a frontier: noise less a lag that is never negative."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesdense.build.algebra import inverse, root
from bayesdense.build.effects import Dims, lengths
from bayesdense.parts.trends.base import HALF_NORMAL_MEAN

__all__ = ["lagging"]


def lagging(name: str, noise: Any, lag: Any, information: Any, dims: Dims, *, around: Any) -> Any:
    """Add ``v - w`` effects, ``v ~ Normal(0, noise)``, ``w`` half-normal with scale ``lag``.

    The sum has a density of its own, the skew-normal of the stochastic
    frontier model (Aigner, Lovell and Schmidt, 1977), so that neither part is
    sampled: with ``s^2 = noise^2 + lag^2``,
    ``p(x) = 2/s phi(x/s) Phi(-x lag / (s noise))``.

    Parameters
    ----------
    name : str
        Of the variable.
    noise, lag : tensor
        Scales of ``v`` and ``w``; broadcast against the dimensions.
    information, dims, around
        As for `scaled_normal`; the units are those of a Normal of the same
        mean and variance.

    Returns
    -------
    tensor
        The effects.
    """
    import pymc as pm

    from bayesdense.build.transforms import moved_from_data

    mean = -HALF_NORMAL_MEAN * lag
    precision = inverse(noise**2 + (1.0 - HALF_NORMAL_MEAN**2) * lag**2)
    rate = root(precision + information)
    return pm.CustomDist(
        name,
        noise,
        lag,
        rate,
        -(mean * precision + around * information) * inverse(rate),
        dist=_lagging,
        logp=_lagging_logp,
        transform=moved_from_data,
        initval=np.zeros(lengths(dims)),
        dims=dims,
    )


def _lagging_logp(value: Any, noise: Any, lag: Any, rate: Any, shift: Any) -> Any:
    import pytensor.tensor as pt
    from pymc.distributions.dist_math import normal_lcdf

    scale = pt.sqrt(noise**2 + lag**2)
    x = value / scale
    half = -0.5 * x**2 - pt.log(scale) + 0.5 * np.log(2.0 / np.pi)
    return half + normal_lcdf(0.0, 1.0, -x * lag / noise)


def _lagging(noise: Any, lag: Any, rate: Any, shift: Any, size: Any) -> Any:
    import pymc as pm

    ahead = pm.Normal.dist(0.0, noise, size=size)
    return ahead - pm.HalfNormal.dist(lag, size=size)
