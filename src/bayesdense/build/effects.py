"""Groups of effects: zero-sum, and with a scale that is itself unknown."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesdense.build.coordinates import contrasts
from bayesdense.priors import Prior

__all__ = ["anchored", "scaled_normal", "scaled_zero_sum", "zero_sum"]


def anchored(name: str, prior: Prior, around: Any) -> Any:
    """Add a parameter that is sampled as its distance from where the data put it.

    Parameters
    ----------
    name : str
        Of the parameter; the variable is called ``<name>_common_raw``.
    prior : Prior
        Its prior, whose distribution is not changed. One that is not Normal
        is sampled as it is.
    around : tensor
        Roughly where the data put it, given other parameters.

    Returns
    -------
    tensor
    """
    import pymc as pm

    if prior.distribution != "Normal":
        return prior.variable(name)
    mean, sd = prior.parameters["mu"], prior.parameters["sigma"]
    moved = pm.Normal(f"{name}_common_raw", mean - around, sd, initval=0.0)
    return pm.Deterministic(name, moved + around)


def zero_sum(name: str, prior: Prior, count: int, dims: str, *, around: Any = None) -> Any:
    """Add effects with a Normal prior less their mean, which is not sampled.

    Parameters
    ----------
    name : str
        The variable is called ``<name>_raw``, in units of the prior's scale.
    prior : Prior
        Normal; its mean has no say.
    count : int
        Number of effects, ``n``, at least 2.
    dims : str
        Named dimension of the ``n - 1`` directions.
    around : tensor, shape (n,), optional
        Roughly where the data put the effects.

    Returns
    -------
    tensor, shape (n,)
        The effects.
    """
    import pymc as pm

    basis, _ = contrasts(np.ones(count))
    sd = prior.parameters["sigma"]
    shift = 0.0 if around is None else (basis * around[:, None]).sum(axis=0) / sd
    along = sd * (pm.Normal(f"{name}_raw", -shift, 1.0, dims=dims) + shift)
    return (basis * along).sum(axis=1)


def scaled_normal(
    name: str,
    scale: Any,
    expected_error: Any,
    dims: str | tuple[str, ...],
    *,
    offset: Any = None,
) -> Any:
    """Add ``Normal(0, scale)`` effects whose scale is unknown, so that NUTS finds its way.

    Sampled as multiples of the scale, effects that the data fix well diverge
    where the scale is large; sampled as they are, effects that the data fix
    badly diverge where it is small. If data alone would fix an effect with
    the standard error ``k``, its conditional posterior has the standard
    deviation ``g = scale / sqrt(1 + scale^2 / k^2)``. In units of ``g`` the
    effect has unit spread whatever the scale. The distribution of the effect
    is Normal(0, scale) for any ``k``: a bad guess costs time, not truth.

    Parameters
    ----------
    name : str
        The variable is called ``<name>_raw``.
    scale : tensor
        Standard deviation of the effects; broadcasts against the dimensions.
    expected_error : tensor
        ``k``, positive, in the unit of the effects.
    dims : str or tuple of str
        Named dimensions.
    offset : tensor, optional
        Where the data fix not the effect but its sum with something else
        that is sampled: that something, less a rough value of the sum. The
        conditional posterior of the effect is then around ``-offset``, shrunk
        to zero by ``g^2 / k^2``, and the units are counted from there.

    Returns
    -------
    tensor
        The effects.
    """
    import pymc as pm

    widening = pm.math.sqrt(1.0 + (scale / expected_error) ** 2)
    unit = scale / widening
    if offset is None:
        return unit * pm.Normal(f"{name}_raw", 0.0, widening, dims=dims)
    lean = unit / expected_error**2 * offset
    return unit * (pm.Normal(f"{name}_raw", lean, widening, dims=dims) - lean)


def scaled_zero_sum(
    name: str, scale: Any, basis: Any, expected_error: Any, dims: str, *, around: Any = None
) -> Any:
    """Add zero-sum ``Normal(0, scale)`` effects whose scale is unknown.

    They are what is left of independent effects when their mean is taken off.
    That mean is not sampled: no data see it, and in units that suit the other
    directions it would be a funnel.

    Parameters
    ----------
    name : str
        The variable is called ``<name>_raw``.
    scale : tensor
        Standard deviation before the mean is taken off; a number, or one for
        each direction.
    basis : tensor, shape (n, n - 1)
        Orthonormal directions, from `bayesdense.build.coordinates.contrasts`.
    expected_error : tensor, shape (n - 1,)
        As for `scaled_normal`, along those directions.
    dims : str
        Named dimension of the directions.
    around : tensor, shape (n,), optional
        Roughly where the data put the effects.

    Returns
    -------
    tensor, shape (n,)
        The effects.
    """
    offset = None if around is None else -(basis * around[:, None]).sum(axis=0)
    # Not as a matrix product: it takes ten seconds to compile, for a few numbers.
    return (basis * scaled_normal(name, scale, expected_error, dims, offset=offset)).sum(axis=1)
