"""Where chains start: around one point, or where a short run has been."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

__all__ = [
    "JITTER",
    "Start",
    "around",
    "evenly_spread",
    "spread_out",
    "where_chains_were",
]

JITTER = 0.5

Start = Callable[[Any], np.ndarray]
"""From a seed to an initial point."""


def around(centre: np.ndarray, spread: np.ndarray | float = JITTER) -> Start:
    """Return the function that scatters chains around a point.

    nutpie's default jitter is twice as wide and can put a floor or a ceiling
    where no score is possible.

    Parameters
    ----------
    centre : numpy.ndarray, shape (coordinate,)
        The point, as the sampler sees it.
    spread : numpy.ndarray or float, default 0.5
        How far chains may start from it, in every coordinate.

    Returns
    -------
    callable
    """

    def start(seed: Any) -> np.ndarray:
        random = np.random.default_rng(seed)
        return np.asarray(centre + spread * random.uniform(-1.0, 1.0, centre.shape))

    return start


def where_chains_were(points: np.ndarray, scattered: np.ndarray) -> Start:
    """Return the function that starts every chain at one of many points.

    Chains of a pilot that have not met start apart again, so that R-hat shows
    a posterior of two parts.

    Parameters
    ----------
    points : numpy.ndarray, shape (point, coordinate)
        Some draws of a pilot, of all its chains, as the sampler sees them.
    scattered : numpy.ndarray of bool, shape (coordinate,)
        Coordinates in which chains start scattered around the point; in the
        others they start exactly there.

    Returns
    -------
    callable
    """
    spread = np.where(scattered, JITTER, 0.0)

    def start(seed: Any) -> np.ndarray:
        random = np.random.default_rng(seed)
        return around(points[random.integers(len(points))], spread)(random)

    return start


def evenly_spread(length: int, count: int) -> np.ndarray:
    """Return the places of evenly spread entries, first and last among them.

    Parameters
    ----------
    length : int
        How many there are.
    count : int
        How many are wanted.

    Returns
    -------
    numpy.ndarray of int
        All places where there are not as many.

    Examples
    --------
    >>> evenly_spread(9, 3)
    array([0, 4, 8])
    """
    return np.linspace(0, length - 1, min(count, length)).round().astype(int)


def spread_out(posterior: xr.Dataset, count: int) -> xr.Dataset:
    """Return evenly spread draws of every chain.

    Parameters
    ----------
    posterior : xarray.Dataset
        With dimensions ``chain`` and ``draw``.
    count : int
        How many are wanted, over all chains.

    Returns
    -------
    xarray.Dataset
        As many draws of each chain, `count` or a few more together; all where
        there are not as many.
    """
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    wanted = min(draws, -(-count // chains))
    return posterior.isel(draw=evenly_spread(draws, wanted)).assign_coords(draw=np.arange(wanted))
