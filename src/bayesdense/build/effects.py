"""Variables in coordinates that suit the sampler; what they are in the model stays.

A variable of the model is the parameter itself, with its distribution, so that its draws mean
the same however it was sampled. What the sampler sees is that parameter in units and from an
origin of its own, which may move with other parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesdense.build.algebra import inverse, logarithm, root
from bayesdense.build.placed import PlacedPrior

__all__ = [
    "Dims",
    "informed_normal",
    "lengths",
    "moved_normal",
    "moved_prior",
    "scaled_normal",
    "scaled_zero_sum",
    "standard",
    "zero_sum",
]

Dims = str | tuple[str, ...] | None


def moved_normal(
    name: str,
    mean: Any,
    sd: Any,
    *,
    unit: Any = 1.0,
    shift: Any = 0.0,
    dims: Dims = None,
    start: Any = None,
) -> Any:
    """Add a ``Normal(mean, sd)`` variable that is sampled as ``value / unit + shift``.

    Parameters
    ----------
    name : str
        Of the variable.
    mean, sd : tensor
        Of its distribution, which the coordinates do not change.
    unit, shift : tensor
        May depend on other variables; broadcast against the dimensions.
    dims : str or tuple of str, optional
        Named dimensions.
    start : array_like, optional
        Where chains start; by default where the coordinate is 0.

    Returns
    -------
    tensor
        The variable.
    """
    import pymc as pm

    from bayesdense.build.transforms import moved_coordinates, moved_from_data

    return pm.CustomDist(
        name,
        mean,
        sd,
        1.0 / unit,
        shift,
        dist=_normal,
        logp=_normal_logp,
        transform=moved_from_data if start is None else moved_coordinates,
        initval=np.broadcast_to(0.0 if start is None else start, lengths(dims)),
        dims=dims,
    )


def standard(name: str, dims: str) -> Any:
    """Add standard Normal variables.

    Parameters
    ----------
    name : str
        Of the variable.
    dims : str
        Named dimension.

    Returns
    -------
    tensor
        The variable.
    """
    import pymc as pm

    return pm.Normal(name, 0.0, 1.0, initval=np.zeros(lengths(dims)), dims=dims)


def lengths(dims: Dims) -> tuple[int, ...]:
    """Return the shape of named dimensions of the model in context.

    Parameters
    ----------
    dims : str or tuple of str, or None
        None for a single number.

    Returns
    -------
    tuple of int
    """
    import pymc as pm

    names = (dims,) if isinstance(dims, str) else dims or ()
    return tuple(len(pm.modelcontext(None).coords[name]) for name in names)


def _normal_logp(value: Any, mean: Any, sd: Any, rate: Any, shift: Any) -> Any:
    import pytensor.tensor as pt

    return -0.5 * ((value - mean) / sd) ** 2 - pt.log(sd) - 0.5 * np.log(2.0 * np.pi)


def _normal(mean: Any, sd: Any, rate: Any, shift: Any, size: Any) -> Any:
    import pymc as pm

    return pm.Normal.dist(mean, sd, size=size)


def moved_prior(
    name: str,
    prior: PlacedPrior,
    shift: Any,
    *,
    rate: Any = 1.0,
    dims: Dims = None,
    from_data: bool = False,
) -> Any:
    """Add a parameter whose coordinate is moved by something that depends on others.

    Parameters
    ----------
    name : str
        Of the parameter.
    prior : PlacedPrior
        Its prior, which the coordinates do not change. A positive parameter
        is moved on its logarithm; one with bounds is sampled as it is.
    shift : tensor, or None
        Added to the coordinate; broadcasts against the dimensions.
    rate : tensor
        By which the parameter, or its logarithm, is multiplied before.
    dims : str, optional
        Named dimension.
    from_data : bool
        Whether chains start where the coordinate is 0, not at the median of
        the prior.

    Returns
    -------
    tensor
        The parameter.
    """
    import pymc as pm

    from bayesdense.build.transforms import moved_coordinates, moved_from_data, moved_logarithm

    if shift is None or prior.support == "bounded":
        return prior.variable(name, dims=dims)

    names = list(prior.symbols)

    def dist(*given: Any) -> Any:
        *values, _, _, size = given
        return prior.prior.unnamed(dict(zip(names, values, strict=True)), size=size)

    # Without it PyMC would look into the distribution, and the transform would see its
    # parameters in the place of rate and shift.
    def logp(value: Any, *given: Any) -> Any:
        *values, _, _ = given
        return pm.logp(prior.prior.unnamed(dict(zip(names, values, strict=True))), value)

    moved = moved_from_data if from_data else moved_coordinates
    return pm.CustomDist(
        name,
        *prior.symbols.values(),
        rate,
        shift,
        dist=dist,
        logp=logp,
        transform=moved_logarithm if prior.support == "positive" else moved,
        initval=np.broadcast_to(prior.prior.median(), lengths(dims)),
        dims=dims,
    )


def zero_sum(name: str, prior: PlacedPrior, dims: str, *, around: Any = None) -> Any:
    """Add effects with a Normal prior less their mean, which is not sampled.

    Parameters
    ----------
    name : str
        The variable is called ``<name>_contrast``.
    prior : PlacedPrior
        Normal; its mean has no say.
    dims : str
        Named dimension of the ``n - 1`` directions, ``<what>_contrast``; they
        are in the data as ``<what>_basis``.
    around : tensor, shape (n,), optional
        Roughly where the data put the effects.

    Returns
    -------
    tensor, shape (n,)
        The effects.
    """
    import pymc as pm

    basis = pm.modelcontext(None)[dims.replace("_contrast", "_basis")]
    sd = prior.symbols["sigma"]
    shift = 0.0 if around is None else -(basis * around[:, None]).sum(axis=0) / sd
    start = 0.0 if around is None else None
    along = moved_normal(f"{name}_contrast", 0.0, sd, unit=sd, shift=shift, dims=dims, start=start)
    return (basis * along).sum(axis=1)


def scaled_normal(
    name: str,
    scale: Any,
    information: Any,
    dims: Dims,
    *,
    around: Any = None,
    pull: Any = None,
    start: Any = None,
) -> Any:
    """Add ``Normal(0, scale)`` effects whose scale is unknown, so that NUTS finds its way.

    Sampled as multiples of the scale, effects that the data fix well diverge
    where the scale is large; sampled as they are, effects that the data fix
    badly diverge where it is small. If data alone would fix an effect around
    ``m`` with the precision ``k``, its conditional posterior has the precision
    ``q = 1/scale^2 + k`` and the mean ``m k / q``. Counted from there, in
    units of ``q^(-1/2)``, the effect has unit spread whatever the scale. The
    distribution of the effect is Normal(0, scale) for any ``k`` and ``m``: a
    bad guess costs time, not truth.

    Parameters
    ----------
    name : str
        Of the variable.
    scale : tensor
        Standard deviation of the effects; broadcasts against the dimensions.
    information : tensor
        ``k``, positive.
    dims : str or tuple of str
        Named dimensions.
    around : tensor, optional
        ``m``; 0 by default.
    pull : tensor, optional
        ``k m``, in the place of `around`, where ``k`` may be 0.
    start : array_like, optional
        Where chains start, and after a pilot where that has been; by default
        where the coordinate is 0, which is where the data put the effects.

    Returns
    -------
    tensor
        The effects.
    """
    precision, log_scale = inverse(scale**2), logarithm(scale)
    return informed_normal(
        name, precision, log_scale, information, dims, around=around, pull=pull, start=start
    )


def informed_normal(
    name: str,
    precision: Any,
    log_scale: Any,
    information: Any,
    dims: Dims,
    *,
    around: Any = None,
    pull: Any = None,
    start: Any = None,
) -> Any:
    """Add effects as `scaled_normal` does, given the precision and the logarithm of the scale.

    Parameters
    ----------
    name : str
        Of the variable.
    precision, log_scale : tensor
        Of the effects; where many share a scale, it is worth to take root and
        logarithm of the few.
    information, dims, around, pull, start
        As for `scaled_normal`.

    Returns
    -------
    tensor
        The effects.
    """
    import pymc as pm

    from bayesdense.build.transforms import moved_coordinates, moved_from_data

    rate = root(precision + information)
    if pull is None and around is not None:
        pull = information * around
    return pm.CustomDist(
        name,
        precision,
        log_scale,
        rate,
        0.0 if pull is None else -pull * inverse(rate),
        dist=_informed,
        logp=_informed_logp,
        transform=moved_from_data if start is None else moved_coordinates,
        initval=np.broadcast_to(0.0 if start is None else start, lengths(dims)),
        dims=dims,
    )


def _informed_logp(value: Any, precision: Any, log_scale: Any, rate: Any, shift: Any) -> Any:
    return -0.5 * value**2 * precision - log_scale - 0.5 * np.log(2.0 * np.pi)


def _informed(precision: Any, log_scale: Any, rate: Any, shift: Any, size: Any) -> Any:
    import pymc as pm

    return pm.Normal.dist(0.0, pm.math.exp(log_scale), size=size)


def scaled_zero_sum(
    name: str,
    scale: Any,
    basis: Any,
    error: Any,
    dims: str,
    *,
    around: Any = None,
    pull: Any = None,
) -> Any:
    """Add zero-sum ``Normal(0, scale)`` effects whose scale is unknown.

    They are what is left of independent effects when their mean is taken off.
    That mean is not sampled: no data see it, and in units that suit the other
    directions it would be a funnel.

    Parameters
    ----------
    name : str
        The variable is called ``<name>_contrast``.
    scale : tensor
        Standard deviation before the mean is taken off; a number, or one for
        each direction.
    basis : tensor, shape (n, n - 1)
        Orthonormal directions, from `bayesdense.build.coordinates.contrasts`.
    error : tensor, shape (n - 1,)
        How well data alone would fix the effects along those directions.
    dims : str
        Named dimension of the directions.
    around : tensor, shape (n,), optional
        Roughly where the data put the effects.
    pull : tensor, shape (n - 1,), optional
        In the place of `around`, as for `scaled_normal`.

    Returns
    -------
    tensor, shape (n,)
        The effects.
    """
    along_basis = None if around is None else (basis * around[:, None]).sum(axis=0)
    contrast = f"{name}_contrast"
    # Where nothing says where the effects are, a pilot does.
    start = 0.0 if around is None else None
    information = inverse(error**2)
    along = scaled_normal(
        contrast, scale, information, dims, around=along_basis, pull=pull, start=start
    )
    # Not as a matrix product: it takes ten seconds to compile, for a few numbers.
    return (basis * along).sum(axis=1)
