"""Coordinates from short runs: where the posterior lies, and what leans on what.

The first part of the warm-up is sampled in coordinates from usual values. What it found sets the
coordinates of the next part, and that those of everything after: rough positions of cells, their
noise, offsets of harnesses, and by how much pivot, slope and deviations of a benchmark move with
the other coefficients of its map. All of it is data of the compiled model, so nothing is compiled
again, and none of it changes the posterior.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesdense.build import Layout
from bayesdense.build.coordinates import OF_ENDS, offsets_from, shaping, usual_leans
from bayesdense.build.leans import of_ends
from bayesdense.build.rough import Rough, rough_cells
from bayesdense.posterior.draws import Draws, RulerDraws
from bayesdense.sampler.nuts import Retune
from bayesdense.spec import RulerSpec

__all__ = ["retune_for", "tuned"]

# Of the variance of a coefficient, what its leans are shrunk by; a pilot has few draws.
RIDGE = 0.02
# Of the draws, in how many a score is within reach of the ruler that is read off it.
OFTEN = 0.5


def retune_for(layout: Layout, spec: RulerSpec) -> Retune:
    """Return what `bayesdense.sampler.nuts.sample` does with the draws of a pilot.

    Parameters
    ----------
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.

    Returns
    -------
    callable
    """

    def retune(posterior: xr.Dataset) -> Mapping[str, np.ndarray]:
        found = tuned(layout, spec, posterior).arrays
        return {name: v for name, v in found.items() if v is not layout.arrays[name]}

    return retune


def tuned(layout: Layout, spec: RulerSpec, posterior: xr.Dataset) -> Layout:
    """Return a layout with coordinates that suit a posterior.

    Parameters
    ----------
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.
    posterior : xarray.Dataset
        Some draws.

    Returns
    -------
    Layout
        It differs in arrays that set coordinates, not in what they describe.
    """
    if not layout.size("cell"):
        return layout
    draws = Draws(posterior)
    ruler = RulerDraws(draws, layout, spec)
    arrays = layout.arrays
    rough = Rough(
        floor=ruler.floor.mean(axis=0),
        span=ruler.span.mean(axis=0),
        noise=draws["phi"].mean(axis=0),
        position=_position(layout, draws, ruler),
    )
    cells = rough_cells(
        arrays,
        spec.score_map,
        rough,
        n_targets=layout.size("target"),
        n_families=layout.size("family"),
    )
    found = {**cells, **_offsets(layout, draws), **_leans(layout, spec, draws, ruler)}
    return dataclasses.replace(layout, arrays={**arrays, **found})


def _position(layout: Layout, draws: Draws, ruler: RulerDraws) -> np.ndarray:
    """Return the log size of every cell relative to the centre of the ruler.

    Where other models were fitted, cells are where the ruler reads their scores, and as they were
    guessed where it reads nothing.
    """
    if "cell_ln_size" in draws:
        found = draws["cell_ln_size"].mean(axis=0)
        return np.asarray(found - layout.log_size_centre)
    arrays = layout.arrays
    sizes = ruler.plug_in_log_size(arrays["cell_score"], arrays["cell_benchmark"])
    read = np.isfinite(sizes)
    mean = np.where(read, sizes, 0.0).sum(axis=0) / np.maximum(read.sum(axis=0), 1)
    often = read.mean(axis=0) > OFTEN
    return np.where(often, mean - layout.log_size_centre, arrays["cell_guess"])


def _offsets(layout: Layout, draws: Draws) -> dict[str, np.ndarray]:
    """Return where offsets of harnesses are, and how well that is known."""
    if "eta" not in draws:
        return {}
    basis, owner = (layout.arrays[f"harness_{n}"] for n in ("basis", "contrast_benchmark"))
    # The basis is orthonormal, so the other model's contrasts need not be these.
    along = draws["eta"].reshape(-1, len(basis)) @ basis
    error, pull = offsets_from(along, draws["eta_sd"][:, owner])
    return {"harness_error": error, "harness_pull": pull}


def _leans(
    layout: Layout, spec: RulerSpec, draws: Draws, ruler: RulerDraws
) -> dict[str, np.ndarray]:
    """Return by how much coefficients of the maps move with those before them."""
    names = shaping(spec.law)
    count = layout.size("benchmark")
    leans = usual_leans(count, names)
    shares = layout.arrays["harness_lean"]
    for j in range(count):
        knots = layout.arrays["knot_scores"][j], layout.arrays["knot_margin"][j]
        columns = of_ends(*knots, ruler.floor[:, j], ruler.span[:, j])
        columns += [np.log(ruler.coefficients[n][:, layout.ruler[j]]) for n in names]
        columns += [np.log(ruler.steepness[:, j]), ruler.pivot[:, j]]
        features = np.column_stack(columns)
        n = OF_ENDS + len(names)
        offset = draws["eta"][:, :, j] @ shares[:, j] if "eta" in draws else 0.0
        leans["lean_centre"][j] = features.mean(axis=0)
        for i, name in enumerate(names, OF_ENDS):
            leans[f"{name}_lean"][j] = _regression(features[:, i], features[:, :OF_ENDS])
        leans["slope_lean"][j] = _regression(features[:, n], features[:, :n])
        leans["pivot_lean"][j] = _regression(features[:, n + 1] + offset, features[:, : n + 1])
        leans["tau_lean"][j] = _regression(np.log(draws["tau"][:, j]), features)
    return leans


def _regression(values: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return slopes of a linear regression, those of standardised features shrunk a little."""
    centred = features - features.mean(axis=0)
    spread = centred.std(axis=0)
    # A feature that does not vary, such as the ceiling of a map without one, explains nothing.
    unit = np.where(spread > 1e-12, spread, np.inf)
    z = centred / unit
    square = z.T @ z / len(z) + RIDGE * np.eye(z.shape[1])
    slopes: Any = np.linalg.solve(square, z.T @ (values - values.mean()) / len(z))
    return np.asarray(slopes / unit)
