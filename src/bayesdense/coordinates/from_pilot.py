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
from bayesdense.coordinates.contrasts import HarnessContrasts, line_contrasts, offsets_from
from bayesdense.coordinates.decorrelation import (
    N_ENDS,
    Regressions,
    end_features,
    shape_exponents,
    usual,
)
from bayesdense.coordinates.initial import Coordinates
from bayesdense.coordinates.lines import USUAL_SPREAD, Spread
from bayesdense.coordinates.regression import bend_of, share_in_common, shrunk_slopes, slopes
from bayesdense.model.build import model_priors
from bayesdense.model.cells import has_pooled_spread
from bayesdense.model.design import Design
from bayesdense.model.loss_law import pooled_exponents
from bayesdense.model.observation import item_variance, source_sd
from bayesdense.model.ruler import Ruler

__all__ = ["coordinates_from_pilot"]

# A step in the logit, and the least that scores say of one, as a precision.
STEP = 0.05
LEAST_INFORMATION = 1e-6
# What may differ between benchmarks, and how much where it does not.
DIFFERENCES = ("benchmark_offset", "growth_rate", "size_slope")
NO_DIFFERENCE = 1e-3
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
    x = _positions(design, draws, ruler, before)
    maps = MapEstimates(
        floor=ruler.floor.mean(axis=0),
        span=ruler.span.mean(axis=0),
        noise=draws["source_noise_sd"].mean(axis=0),
        x=x,
        cell_spread=draws["cell_effect_sd"].mean(axis=0),
        spread=_spread(draws),
        **_at_cells(design, draws, ruler, x),
    )
    cells = estimate_cells(
        design.arrays,
        design.spec.score_map,
        maps,
        n_targets=design.size("target"),
        n_families=design.size("family"),
    )
    level, growth, size_slope, share = line_contrasts(cells.line_error)
    return dataclasses.replace(
        before,
        cells=cells,
        level=level,
        growth=growth,
        size_slope=size_slope,
        line_share=share,
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


def _at_cells(design: Design, draws: Any, ruler: Ruler, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return how steep the ruler is at each cell, and how well scores fix its logit."""
    arrays, law = design.arrays, design.spec.law
    benchmark = arrays["cell_benchmark"]
    covariates = {n: arrays[f"cell_{n}"] for n in law.covariates if f"cell_{n}" in arrays}
    at_cell = arrays["cell_tokens"], arrays["cell_ruler"], covariates
    steepness = np.median(ruler.steepness[:, benchmark] * ruler.slope(x, *at_cell), axis=0)
    if "log_effective_size" in draws:
        x = draws["log_effective_size"] - design.log_size_centre
    loss = ruler.loss(x, *at_cell)
    if "cell_loss" in arrays:
        loss = np.where(arrays["cell_loss_seen"] > 0, arrays["cell_loss"], loss)
    logit = ruler.logit(loss, benchmark)
    score = ruler.score(logit, benchmark)
    rise = (ruler.score(logit + STEP, benchmark) - ruler.score(logit - STEP, benchmark)) / (
        2 * STEP
    )
    count = np.maximum(np.bincount(arrays["score_cell"], minlength=len(benchmark)), 1)
    noise = source_sd(draws, score, benchmark) ** 2 / count
    variance = item_variance(score, arrays["cell_items"], design.spec) + noise
    information = (rise**2 / variance).mean(axis=0)
    return {
        "steepness": steepness,
        "error": np.maximum(information, LEAST_INFORMATION) ** -0.5,
        "cell_noise": source_sd(draws, score, benchmark).mean(axis=0) * np.ones(len(benchmark)),
    }


def _spread(draws: Any) -> Spread:
    """Return how much targets differ, and what does not differ by how much it might."""

    def mean(name: str) -> float:
        return float(draws[name].mean()) if name in draws else 0.0

    rates = []
    for name, often in zip(DIFFERENCES, USUAL_SPREAD.between, strict=True):
        if f"{name}_sd" in draws:
            rates.append(mean(f"{name}_sd"))
        else:
            differs = name in draws or f"{name}_deviation" in draws
            rates.append(often if differs else NO_DIFFERENCE)
    return Spread(
        model=max(mean("model_effect_sd"), mean("frontier_total_sd")),
        family=mean("family_effect_sd"),
        family_benchmark=mean("family_benchmark_effect_sd"),
        developer=mean("developer_effect_sd"),
        developer_benchmark=mean("developer_benchmark_effect_sd"),
        between=(rates[0], rates[1], rates[2]),
    )


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
    names, pooled = shape_exponents(design.spec.law), pooled_exponents(design)
    found = usual(design.size("benchmark"), names)
    spread = np.log(draws["cell_effect_sd"])
    logit = ruler.steepness * (ruler.midpoint - before.lowest_loss)
    offsets: Any = None
    if "harness_offset" in draws:
        offsets = draws["harness_offset"]
    steepness = np.zeros_like(spread)
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
            own = features[:, i], features[:, :N_ENDS]
            if name in pooled:
                common = [draws[of] for of in pooled[name]]
                found.exponents[name][j] = _set_pooled(found, name, j, *own, common)
            else:
                found.exponents[name][j] = slopes(*own)
        found.slope[j] = slopes(features[:, n], features[:, :n])
        steepness[:, j] = features[:, n] - features[:, :n] @ found.slope[j]
        found.logit[j] = slopes(features[:, n + 1] + offset, features[:, : n + 1])
        if has_pooled_spread(design):
            common = [draws[f"cell_effect_sd_{of}"] for of in ("mean", "sd")]
            found.spread[j] = _set_pooled(
                found, "cell_effect_sd", j, spread[:, j], features, common
            )
        else:
            found.spread[j] = slopes(spread[:, j], features)
    scores_only = ~design.has_losses
    if scores_only.any():
        unit, share = share_in_common(steepness[:, scores_only])
        found.slope_unit[scores_only], found.slope_share[...] = unit, share
    _set_bends(found, design, draws)
    return found


def _set_bends(found: Regressions, design: Design, draws: Any) -> None:
    """Put in how floors and ceilings are bent, where their draws are skewed."""
    from bayesdense.coordinates.transforms import end_transforms

    for name, transform in end_transforms(model_priors(design)).items():
        if name not in draws:
            continue
        straight = transform.forward(draws[name])
        # A ceiling of exactly 1 in the precision of the draws has no finite coordinate.
        finite = np.where(np.isfinite(straight), straight, np.nan)
        straight = np.clip(straight, np.nanmin(finite, axis=0), np.nanmax(finite, axis=0))
        found.bend_place[name], found.bend_width[name] = bend_of(straight)


def _set_pooled(
    found: Regressions, name: str, j: int, values: np.ndarray, features: np.ndarray, given: Any
) -> np.ndarray:
    """Put in what scores say of a logarithm, whatever its common mean and scale.

    Returns
    -------
    numpy.ndarray, shape (feature,)
        Slopes of what scores by themselves say of it.
    """
    ahead, error, pull = shrunk_slopes(values, features, *given)
    found.pooled_error[name][j], found.pooled_pull[name][j] = error, pull
    return ahead
