"""Posterior draws as plain arrays, and the ruler evaluated on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesdense.build import Layout
from bayesdense.spec import RulerSpec

__all__ = ["Draws", "RulerDraws", "log_sizes"]


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
    >>> posterior = xr.Dataset({"A": (("chain", "draw"), [[1.0, 2.0], [3.0, 4.0]])})
    >>> Draws(posterior)["A"]
    array([1., 2., 3., 4.])
    >>> Draws(posterior, most=2)["A"]
    array([1., 4.])
    """

    def __init__(self, posterior: xr.Dataset, *, most: int | None = None) -> None:
        self._posterior = posterior
        self._cache: dict[str, np.ndarray] = {}
        every = int(posterior.sizes["chain"] * posterior.sizes["draw"])
        self._kept: np.ndarray | None = None
        if most is not None and most < every:
            self._kept = np.linspace(0, every - 1, most).astype(int)

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
        return self if self.count <= count else Draws(self._posterior, most=count)

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


def log_sizes(draws: Draws, layout: Layout) -> np.ndarray:
    """Return the log size of every model, as the model counts it.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.

    Returns
    -------
    numpy.ndarray, shape (draw, model) or (model,)
        By draw where the size has a factor that was sampled.
    """
    if "ln_size" in draws:
        return draws["ln_size"]
    return np.asarray(layout.arrays["relative_log_size"] + layout.log_size_centre)


class RulerDraws:
    """Posterior draws of the ruler: from size to score and back, draw by draw.

    Parameters
    ----------
    draws : Draws
        Posterior draws of a density model.
    layout : Layout
        The dataset under that model.
    spec : RulerSpec
        The composition of that model.
    """

    def __init__(self, draws: Draws, layout: Layout, spec: RulerSpec) -> None:
        self.law, self.score_map, self.layout = spec.law, spec.score_map, layout
        self.log_size = log_sizes(draws, layout)
        known = layout.has_losses
        self.coefficients = self._coefficients(draws)
        count = draws.count
        self.pivot = np.empty((count, len(known)))
        self.steepness = np.empty((count, len(known)))
        if known.any():
            self.pivot[:, known] = draws["pivot"]
            self.steepness[:, known] = draws["gamma"]
        if len(known) and not known.all():
            suffix = "_scores_only" if known.any() else ""
            self.pivot[:, ~known] = draws[f"pi{suffix}"]
            self.steepness[:, ~known] = draws[f"s{suffix}"]
        self.centre = np.zeros(len(known))
        self.centre[known] = layout.lowest_loss[layout.ruler[known]]
        no_benchmark = np.empty((count, 0))
        self.floor, self.span = (draws[name] if len(known) else no_benchmark for name in "dc")
        self.tokens = np.where(known, float(layout.arrays["tokens_budget"]), 0.0)

    def _coefficients(self, draws: Draws) -> dict[str, np.ndarray]:
        """Return the law's coefficients, shape ``(draw, ruler)``, loss sets first."""
        n_sets, n_only = len(self.layout.loss_sets), int((~self.layout.has_losses).sum())
        mixed = n_sets > 0 and n_only > 0
        seen: dict[str, np.ndarray] = {}
        if n_sets:
            suffix = "_with_losses" if mixed else ""
            seen = {name: draws[f"{name}{suffix}"] for name in self.law.coefficients}
        if not n_only:
            return seen
        suffix = "_scores_only" if mixed else ""
        unit = self.law.unit({name: draws[f"{name}{suffix}"] for name in self.law.shape})
        blank, only = np.zeros((draws.count, n_sets)), (draws.count, n_only)
        return {
            name: np.concatenate([seen.get(name, blank), np.broadcast_to(values, only)], axis=1)
            for name, values in unit.items()
        }

    def of(self, benchmark: np.ndarray) -> dict[str, np.ndarray]:
        """Return the law's coefficients for some benchmarks.

        Parameters
        ----------
        benchmark : numpy.ndarray of int
            Codes of benchmarks.

        Returns
        -------
        dict of str to numpy.ndarray
            Shape ``(draw, *benchmark.shape)``; covariates are 0.
        """
        dense = dict.fromkeys(self.law.covariates, np.zeros(()))
        ruler = self.layout.ruler[benchmark]
        return dense | {n: v[:, ruler] for n, v in self.coefficients.items()}

    def of_ruler(self, ruler: int) -> dict[str, np.ndarray]:
        """Return the law's coefficients of one ruler.

        Parameters
        ----------
        ruler : int
            Loss sets are counted first, then benchmarks with scores only.

        Returns
        -------
        dict of str to numpy.ndarray
            Shape ``(draw, 1)``, against which runs broadcast; covariates are 0.
        """
        dense = dict.fromkeys(self.law.covariates, np.zeros(()))
        return dense | {n: v[:, ruler, None] for n, v in self.coefficients.items()}

    def loss(self, log_size: Any, tokens: Any, benchmark: np.ndarray) -> np.ndarray:
        """Return the loss that the law gives.

        Parameters
        ----------
        log_size : numpy.ndarray
            ``ln N_eff``, shape ``(draw, n)`` or ``(n,)``.
        tokens : numpy.ndarray, shape (n,)
            ``ln(D/D*)``; 0 on rulers without losses.
        benchmark : numpy.ndarray of int, shape (n,)
            Codes of benchmarks.

        Returns
        -------
        numpy.ndarray, shape (draw, n)
        """
        x = np.asarray(log_size) - self.layout.log_size_centre
        return np.asarray(self.law.loss(x, tokens, self.of(benchmark)))

    def logit(self, loss: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
        """Return ``gamma (l - L)``.

        Parameters
        ----------
        loss : numpy.ndarray, shape (draw, n) or (n,)
            In the unit of each benchmark's ruler.
        benchmark : numpy.ndarray of int, shape (n,)
            Codes of benchmarks.

        Returns
        -------
        numpy.ndarray, shape (draw, n)
        """
        return self.pivot[:, benchmark] - self.steepness[:, benchmark] * (
            loss - self.centre[benchmark]
        )

    def cell_logit(self, log_size: np.ndarray, stray: np.ndarray) -> np.ndarray:
        """Return the logit of every cell, at its measured loss where there is one.

        Parameters
        ----------
        log_size : numpy.ndarray, shape (draw, cell)
            ``ln N_eff`` on the benchmark of the cell.
        stray : numpy.ndarray, shape (draw, cell)
            What of it is the cell's own deviation.

        Returns
        -------
        numpy.ndarray, shape (draw, cell)
        """
        arrays = self.layout.arrays
        benchmark, tokens = arrays["cell_benchmark"], arrays["cell_tokens"]
        own = {name: arrays.get(f"cell_{name}", 0.0) for name in self.law.covariates}
        c = self.of(benchmark) | own
        loss = np.asarray(self.law.loss(log_size - self.layout.log_size_centre, tokens, c))
        if "cell_loss" in arrays:
            own_size = (self.log_size - self.layout.log_size_centre)[..., arrays["cell_model"]]
            fall = self.law.slope(own_size, tokens, c)
            measured = arrays["cell_loss"] - fall * stray
            loss = np.where(arrays["cell_loss_seen"] > 0, measured, loss)
        return self.logit(loss, benchmark)

    def score(self, logit: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
        """Return the score at a logit.

        Parameters
        ----------
        logit : numpy.ndarray, shape (draw, n)
            ``gamma (l - L)``.
        benchmark : numpy.ndarray of int, shape (n,)
            Codes of benchmarks.

        Returns
        -------
        numpy.ndarray, shape (draw, n)
        """
        return np.asarray(
            self.score_map.score(logit, self.floor[:, benchmark], self.span[:, benchmark])
        )

    def reach(self) -> np.ndarray:
        """Return the score that an infinitely large reference model would have at ``D0``.

        Returns
        -------
        numpy.ndarray, shape (draw, benchmark)
        """
        benchmark = np.arange(len(self.centre))
        limit = self.law.limit(self.tokens, self.of(benchmark))
        logit = self.pivot - self.steepness * (limit - self.centre)
        return self.score(logit, benchmark)

    def plug_in_log_size(self, score: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
        """Return the paper's effective size: equation 4, draw by draw.

        Parameters
        ----------
        score : numpy.ndarray, shape (n,)
            Scores between 0 and 1.
        benchmark : numpy.ndarray of int, shape (n,)
            Codes of benchmarks.

        Returns
        -------
        numpy.ndarray, shape (draw, n)
            ``ln N_eff``; NaN where the score is at or below the floor, at or
            above the ceiling, or beyond reach.
        """
        logit = self.score_map.inverse(score, self.floor[:, benchmark], self.span[:, benchmark])
        loss = (
            self.centre[benchmark]
            - (logit - self.pivot[:, benchmark]) / (self.steepness[:, benchmark])
        )
        x = self.law.log_size(loss, self.tokens[benchmark], self.of(benchmark))
        return np.asarray(x) + self.layout.log_size_centre
