"""Posterior draws as plain arrays, and the ruler on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from bayesdense.model import Design
from bayesdense.model.cells import cell_losses
from bayesdense.model.ruler import Ruler
from bayesdense.sampler.initial_points import evenly_spread

__all__ = ["Columns", "Draws", "cell_logits", "log_sizes", "ruler_of"]


class Draws(Mapping[str, np.ndarray]):
    """Posterior draws by variable, chains one after the other on the first axis.

    Parameters
    ----------
    posterior : xarray.Dataset
        With dimensions ``chain`` and ``draw``.
    most : int, optional
        How many draws are used at most, evenly spread; all if not given.

    Examples
    --------
    >>> import xarray as xr
    >>> posterior = xr.Dataset({"growth_rate": (("chain", "draw"), [[1.0, 2.0], [3.0, 4.0]])})
    >>> Draws(posterior)["growth_rate"]
    array([1., 2., 3., 4.])
    >>> Draws(posterior, most=2)["growth_rate"]
    array([1., 4.])
    """

    def __init__(self, posterior: xr.Dataset, *, most: int | None = None) -> None:
        self._posterior = posterior
        self._cache: dict[str, np.ndarray] = {}
        every = int(posterior.sizes["chain"] * posterior.sizes["draw"])
        self._kept: np.ndarray | None = None
        if most is not None and most < every:
            self._kept = evenly_spread(every, most)

    def at_most(self, count: int) -> Draws:
        """Return the same draws, or some of them where there are more.

        Parameters
        ----------
        count : int
            How many are wanted at most.

        Returns
        -------
        Draws
        """
        return self if self.count <= count else self.taken(evenly_spread(self.count, count))

    def taken(self, which: np.ndarray) -> Draws:
        """Return some of the draws, each as often as it is named.

        Parameters
        ----------
        which : numpy.ndarray of int
            Numbers of draws, from 0 to `count`.

        Returns
        -------
        Draws
        """
        found = Draws(self._posterior)
        found._kept = which if self._kept is None else self._kept[which]
        return found

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the draws of one variable, shape ``(draw, ...)``."""
        if name not in self._cache:
            values = self._posterior[name].transpose("chain", "draw", ...).values
            values = values.reshape(-1, *values.shape[2:])
            self._cache[name] = values if self._kept is None else values[self._kept]
        return self._cache[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the variables."""
        return iter(str(name) for name in self._posterior.data_vars)

    def __len__(self) -> int:
        """Return the number of variables."""
        return len(self._posterior.data_vars)

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a variable."""
        return name in self._posterior.data_vars

    @property
    def count(self) -> int:
        """Number of draws over all chains."""
        if self._kept is not None:
            return len(self._kept)
        return int(self._posterior.sizes["chain"] * self._posterior.sizes["draw"])


class Columns(Mapping[str, np.ndarray]):
    """Draws of single numbers, shape ``(draw, 1)``, so that they broadcast against dates.

    Draws of more than one number are as they are.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    """

    def __init__(self, draws: Draws) -> None:
        self._draws = draws

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the draws of one variable."""
        values = self._draws[name]
        return values[:, None] if values.ndim == 1 else values

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the variables."""
        return iter(self._draws)

    def __len__(self) -> int:
        """Return the number of variables."""
        return len(self._draws)

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a variable."""
        return name in self._draws


def log_sizes(draws: Draws, design: Design) -> np.ndarray:
    """Return the log size of every model, as the model counts it.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.

    Returns
    -------
    numpy.ndarray, shape (draw, model) or (model,)
        By draw where the size has a factor that was sampled.
    """
    if "log_size" in draws:
        return draws["log_size"]
    return np.asarray(design.arrays["relative_log_size"] + design.log_size_centre)


def ruler_of(draws: Draws, design: Design) -> Ruler:
    """Return the ruler on posterior draws.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.

    Returns
    -------
    Ruler
        Everything with the axis of draws first.
    """
    return Ruler.of(draws, design.arrays, design)


def cell_logits(
    ruler: Ruler, draws: Draws, design: Design, log_size: np.ndarray, deviation: np.ndarray
) -> np.ndarray:
    """Return the logit of every cell, read at its measured loss where there is one.

    Parameters
    ----------
    ruler : Ruler
        What `ruler_of` returned.
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model, or some cells of it.
    log_size : numpy.ndarray, shape (draw, cell)
        ``ln N_eff`` on the benchmark of the cell.
    deviation : numpy.ndarray, shape (draw, cell)
        What of it is the deviation of the model on this benchmark.

    Returns
    -------
    numpy.ndarray, shape (draw, cell)
    """
    x = log_size - design.log_size_centre
    size = log_sizes(draws, design) - design.log_size_centre
    loss = cell_losses(ruler, design.arrays, x, deviation, size)
    return np.asarray(ruler.logit(loss, design.arrays["cell_benchmark"]))
