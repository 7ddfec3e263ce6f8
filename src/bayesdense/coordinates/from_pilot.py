"""Coordinates from a pilot: where the posterior lies, and which variables move together.

The first part of the warm-up is sampled in coordinates from the data. What it found sets those of
the next part, and that those of everything after: initial estimates of cells and their noise,
offsets of harnesses, and the regressions of the coefficients of each map on one another. All of
it is data of the compiled model, so nothing is compiled again, and none of it changes the
posterior.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from bayesdense.coordinates.cell_estimates import MapEstimates, estimate_cells
from bayesdense.coordinates.contrasts import HarnessContrasts, offsets_from
from bayesdense.coordinates.decorrelation import (
    N_ENDS,
    Regressions,
    end_features,
    shape_exponents,
    usual,
)
from bayesdense.coordinates.initial import Coordinates
from bayesdense.model.design import Design
from bayesdense.model.ruler import Ruler

__all__ = ["coordinates_from_pilot"]

# Of the variance of a coefficient, what its slopes are shrunk by; a pilot has few draws.
RIDGE = 0.02
# Of the draws, in how many a score is within reach of the ruler that is read off it.
OFTEN = 0.5


def coordinates_from_pilot(
    design: Design, before: Coordinates, posterior: xr.Dataset
) -> Coordinates:
    """Return coordinates that suit the draws of a pilot.

    Parameters
    ----------
    design : Design
        The dataset under the model.
    before : Coordinates
        From the data.
    posterior : xarray.Dataset
        Some draws, dimensions ``chain`` and ``draw`` first.

    Returns
    -------
    Coordinates
    """
    if before.cells is None:
        return before
    draws = _Flat(posterior)
    ruler = Ruler.of(draws, design.arrays, design)
    maps = MapEstimates(
        floor=ruler.floor.mean(axis=0),
        span=ruler.span.mean(axis=0),
        noise=draws["source_noise_sd"].mean(axis=0),
        x=_positions(design, draws, ruler, before),
    )
    cells = estimate_cells(
        design.arrays,
        design.spec.score_map,
        maps,
        n_targets=design.size("target"),
        n_families=design.size("family"),
    )
    return dataclasses.replace(
        before,
        cells=cells,
        harness=_offsets(draws, before.harness),
        regressions=_regressions(design, draws, ruler, before),
    )


class _Flat:
    """Draws by name, chains one after the other on the first axis."""

    def __init__(self, posterior: xr.Dataset) -> None:
        self._posterior = posterior

    def __getitem__(self, name: str) -> np.ndarray:
        values = self._posterior[name].transpose("chain", "draw", ...).values
        return np.asarray(values.reshape(-1, *values.shape[2:]))

    def __contains__(self, name: object) -> bool:
        return name in self._posterior


def _positions(design: Design, draws: Any, ruler: Ruler, before: Coordinates) -> np.ndarray:
    """Return the log size of every cell relative to the centre of the ruler.

    Where other models were fitted, cells are where the ruler reads their scores, and as they were
    estimated from the data where it reads nothing.
    """
    if "log_effective_size" in draws:
        found = draws["log_effective_size"].mean(axis=0)
        return np.asarray(found - design.log_size_centre)
    assert before.cells is not None
    sizes = ruler.log_size(before.cells.score, design.arrays["cell_benchmark"])
    read = np.isfinite(sizes)
    mean = np.where(read, sizes, 0.0).sum(axis=0) / np.maximum(read.sum(axis=0), 1)
    often = read.mean(axis=0) > OFTEN
    return np.where(often, mean - design.log_size_centre, before.cells.x)


def _offsets(draws: Any, before: HarnessContrasts) -> HarnessContrasts:
    """Return where offsets of harnesses are, and how well that is known."""
    if "harness_offset" not in draws:
        return before
    # The basis is orthonormal, so the other model's contrasts need not be these.
    along = draws["harness_offset"].reshape(-1, len(before.basis)) @ before.basis
    scale = draws["harness_offset_sd"][:, before.benchmark]
    error, pull = offsets_from(along, scale)
    return dataclasses.replace(before, error=error, pull=pull)


def _regressions(design: Design, draws: Any, ruler: Ruler, before: Coordinates) -> Regressions:
    """Return regressions of the coefficients of the maps on those before them."""
    names = shape_exponents(design.spec.law)
    found = usual(design.size("benchmark"), names)
    spread = np.log(draws["cell_effect_sd"])
    logit = ruler.steepness * (ruler.midpoint - before.lowest_loss)
    offsets: Any = None
    if "harness_offset" in draws:
        offsets = draws["harness_offset"]
    for j in range(design.size("benchmark")):
        knots = before.knots[j], before.knot_margin[j]
        columns = end_features(*knots, ruler.floor[:, j], ruler.span[:, j])
        columns += [np.log(ruler.coefficients[n][:, design.ruler[j]]) for n in names]
        columns += [np.log(ruler.steepness[:, j]), logit[:, j]]
        features = np.column_stack(columns)
        n = N_ENDS + len(names)
        offset = 0.0 if offsets is None else offsets[:, :, j] @ before.harness_share[:, j]
        found.centre[j] = features.mean(axis=0)
        for i, name in enumerate(names, N_ENDS):
            found.exponents[name][j] = _slopes(features[:, i], features[:, :N_ENDS])
        found.slope[j] = _slopes(features[:, n], features[:, :n])
        found.logit[j] = _slopes(features[:, n + 1] + offset, features[:, : n + 1])
        found.spread[j] = _slopes(spread[:, j], features)
    return found


def _slopes(values: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return slopes of a linear regression, those of standardised features shrunk a little."""
    centred = features - features.mean(axis=0)
    spread = centred.std(axis=0)
    # A feature that does not vary, such as the ceiling of a map without one, explains nothing.
    unit = np.where(spread > 1e-12, spread, np.inf)
    z = centred / unit
    square = z.T @ z / len(z) + RIDGE * np.eye(z.shape[1])
    slopes: Any = np.linalg.solve(square, z.T @ (values - values.mean()) / len(z))
    return np.asarray(slopes / unit)
