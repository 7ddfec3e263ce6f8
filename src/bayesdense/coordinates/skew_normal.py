"""The density of noise less a half-normal lag, in a form that is stable far out.

With ``s^2 = noise^2 + lag^2``, ``p(x) = 2/s phi(x/s) Phi(-x lag / (s noise))``: the skew-normal
of the stochastic frontier model (Aigner, Lovell and Schmidt, 1977).
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["skew_normal_logp"]


def skew_normal_logp(value: Any, noise: Any, lag: Any, *coordinates: Any) -> Any:
    """Return the log density.

    Parameters
    ----------
    value : tensor
        ``v - w``.
    noise, lag : tensor
        Scales of ``v ~ Normal`` and ``w``, half-normal.
    *coordinates : tensor
        Only move the coordinates of the sampler.

    Returns
    -------
    tensor
    """
    import pytensor.tensor as pt
    from pymc.distributions.dist_math import normal_lcdf

    scale = pt.sqrt(noise**2 + lag**2)
    x = value / scale
    half = -0.5 * x**2 - pt.log(scale) + 0.5 * np.log(2.0 / np.pi)
    return half + normal_lcdf(0.0, 1.0, -x * lag / noise)
