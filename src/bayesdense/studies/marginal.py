"""Density of all scores of some models, with what only these models inform integrated out.

Left in the draws, what a model or a family deviates by is known from its own scores, so that
draws that are weighed to do without them are nearly all of the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from bayesdense.model import Design
from bayesdense.model.dates import years_of
from bayesdense.model.families import KINDS
from bayesdense.parts.trends.base import factor_of
from bayesdense.posterior.draws import Columns, Draws, cell_logits, ruler_of
from bayesdense.posterior.log_density import given_logits, of_cells, require_normal

__all__ = ["Density", "densities_of_models", "laplace"]

# Newton steps at most, halvings of one, and how near the summit is near enough, in log density.
STEPS, HALVINGS, NEAR = 100, 20, 1e-6
# How far one goes at most: where terms are flat, a parabola says nothing.
FAR = 3.0
# For differences, in log effective size: scores tell sizes less exactly than a hundred times this.
STEP = 1e-3
# Numbers of covariance matrices that are held at a time.
CACHED = 10_000_000

# What the next order of an expansion adds at most where it can be trusted, and in what share of
# draws it must.
LARGE, TRUSTED = 0.5, 0.99

Terms = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Density:
    """A log density by draw, by expansion.

    Attributes
    ----------
    log : numpy.ndarray, shape (draw,)
        The log density.
    next_order : numpy.ndarray, shape (draw,)
        What of it the expansion adds to Laplace's approximation.
    """

    log: np.ndarray
    next_order: np.ndarray

    @property
    def trusted(self) -> bool:
        """Whether the expansion adds little in nearly all draws."""
        return bool((np.abs(self.next_order) < LARGE).mean() >= TRUSTED)

    def __sub__(self, other: Density) -> Density:
        """Return the density given what the other one is of."""
        return Density(self.log - other.log, np.maximum(self._size, other._size))

    @property
    def _size(self) -> np.ndarray:
        return np.abs(self.next_order)


def densities_of_models(draws: Draws, design: Design) -> Callable[[np.ndarray], Density]:
    """Return what gives the log density of all scores of some targets, given all others.

    Integrated out, by Laplace's approximation in the effective sizes of all
    cells at once, are the deviations of cells, those of models (``v``), and
    those of families, of which the other models of a family tell; those of
    developers where no other family tells of them. What is left of ``v - w`` in
    a frontier, the density of a model without a date, effects of developers of
    whom others tell, and errors of dates stay in the draws.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.

    Returns
    -------
    callable
        From codes of targets, of which at least one has scores, to `Density`.

    Raises
    ------
    BayesdenseError
        If the noise between sources is not Normal.
    """
    require_normal(design)
    family = design.arrays["family_code"] if design.spec.families else None
    developer = design.arrays.get("developer_code")
    scored = np.unique(design.arrays["cell_model"])
    scored = scored[scored < design.size("target")]

    # Of a family the same density is asked for by each of its models.
    @cache
    def joint(models: tuple[int, ...], alone: tuple[int, ...] = ()) -> Density:
        return _joint(draws, design, np.array(models), np.array(alone, dtype=int))

    def density(models: np.ndarray) -> Density:
        if family is None:
            return joint(tuple(models))
        alike = scored[np.isin(family[scored], family[models])]
        others = np.setdiff1d(alike, models)
        alone: tuple[int, ...] = ()
        if developer is not None:
            # Of whom all other families say nothing.
            elsewhere = developer[np.setdiff1d(scored, alike)]
            alone = tuple(np.setdiff1d(developer[alike], elsewhere))
        together = joint(tuple(alike), alone)
        return together - joint(tuple(others), alone) if len(others) else together

    return density


def _joint(draws: Draws, design: Design, models: np.ndarray, alone: np.ndarray) -> Density:
    """Return the log density of all scores of some targets, as if their families had no others.

    Of the developers `alone` effects are integrated out; those of others stay in the draws.
    """
    cells = np.flatnonzero(np.isin(design.arrays["cell_model"], models))
    part = of_cells(design, cells)
    ruler = ruler_of(draws, part)
    size = draws["log_effective_size"][:, cells]
    # Where a loss was measured the map is read there, and only the cell's own deviation moves it.
    with_loss = part.arrays.get("cell_loss_seen", np.zeros(len(cells))) > 0
    mean = size - draws["cell_effect"][:, cells]
    benchmark = part.arrays["cell_benchmark"]
    scale = part.arrays["cell_scale"] * draws["cell_effect_sd"][:, benchmark]

    def terms(at: np.ndarray) -> np.ndarray:
        logit = cell_logits(ruler, draws, part, at, at - mean)
        return given_logits(logit, draws, ruler, part)

    shared, shares = _shared(draws, design, part, alone)
    less = np.where(with_loss, 0.0, shared)
    pairs = [(sd, same & ~with_loss & ~with_loss[:, None]) for sd, same in shares]
    own = scale**2

    def covariance(rows: slice) -> np.ndarray:
        found = np.zeros((len(own[rows]), len(cells), len(cells)))
        for sd, same in pairs:
            found += sd[rows, :, None] * sd[rows, None, :] * same
        found[:, np.arange(len(cells)), np.arange(len(cells))] += own[rows]
        return found

    return laplace(terms, size, mean - less, covariance)


def _shared(
    draws: Draws, design: Design, part: Design, alone: np.ndarray
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Return what is integrated out beside the cells' own deviations.

    Its sum in every cell, shape (draw, cell), and for each kind its standard
    deviation there and which cells share it, shapes (draw, cell) and (cell, cell).
    """
    model, benchmark = part.arrays["cell_model"], part.arrays["cell_benchmark"]
    total = np.zeros((draws.count, len(model)))
    shares: list[tuple[np.ndarray, np.ndarray]] = []

    def share(sd: np.ndarray, code: np.ndarray, which: np.ndarray, values: np.ndarray) -> None:
        nonlocal total
        total = total + np.where(which, values, 0.0)
        same = (code == code[:, None]) & which & which[:, None]
        shares.append((np.broadcast_to(sd, total.shape), same))

    on_line = model < design.size(design.on_line)
    trend, columns = design.spec.trend, Columns(draws)
    years = years_of(draws, design.arrays)[..., np.where(on_line, model, 0)]
    constants = {name: design.arrays[name] for name in trend.constants}
    values = {n: columns[n] for n in ("growth_rate", *trend.priors()) if n in draws} | constants
    sd, lag = trend.scales(values, years)
    # What is left of a model below a frontier is no Normal.
    if "model_effect" in draws and lag is None:
        share(sd, model, on_line, draws["model_effect"][:, np.where(on_line, model, 0)])
    factor = np.where(on_line, factor_of(trend, values, years), 1.0)
    for kind in KINDS:
        if f"{kind}_effect" not in draws:
            continue
        own = design.arrays[f"{kind}_code"][model]
        every = np.isin(own, alone) if kind == "developer" else np.ones_like(on_line)
        sd = columns[f"{kind}_effect_sd"]
        share(factor * sd, own, on_line & every, factor * draws[f"{kind}_effect"][:, own])
        name = f"{kind}_benchmark_effect"
        if name in draws:
            pair = own * design.size("benchmark") + benchmark
            effects = draws[name][:, own, benchmark]
            share(columns[f"{name}_sd"], pair, every, effects)
    return total, shares


def laplace(
    terms: Terms,
    start: np.ndarray,
    mean: np.ndarray,
    covariance: Callable[[slice], np.ndarray],
) -> Density:
    """Integrate ``exp(sum of terms)`` over a Normal vector, by Laplace's approximation.

    The summit is found by Newton's method in the form of Rasmussen and
    Williams (2006), algorithm 3.1, which needs no inverse of the covariance.
    The next order of the expansion is added (Shun and McCullagh, 1995).

    Parameters
    ----------
    terms : callable
        From a vector, shape (draw, n), to a term for each of its numbers,
        which depends on that number with_loss.
    start : numpy.ndarray, shape (draw, n)
        Where to begin.
    mean : numpy.ndarray, shape (draw, n)
        Of the vector.
    covariance : callable
        From a slice of the draws to the covariances there, shape (some, n, n).

    Returns
    -------
    Density
        Logarithm of the integrals.
    """
    count, n = start.shape
    each = max(1, CACHED // n**2)
    blocks = [slice(first, first + each) for first in range(0, count, each)]

    def in_blocks(function: Callable[..., np.ndarray], *given: np.ndarray) -> np.ndarray:
        found = [function(covariance(rows), *(values[rows] for values in given)) for rows in blocks]
        return np.concatenate(found)

    def summit(at: np.ndarray, pull: np.ndarray) -> np.ndarray:
        return np.asarray(terms(at).sum(axis=1) - 0.5 * (pull * (at - mean)).sum(axis=1))

    at, pull = start, in_blocks(_solve, start - mean)
    height = summit(at, pull)
    for _ in range(STEPS):
        slope, bend = _derivatives(terms, at)
        new = in_blocks(_newton, np.maximum(bend, 0.0), slope, at - mean)
        there = mean + in_blocks(_times, new)
        furthest = np.abs(there - at).max(axis=1)
        step, gain = FAR / np.maximum(furthest, FAR), np.zeros(count)
        for _ in range(HALVINGS):
            tried = step[:, None]
            higher = summit(at + tried * (there - at), pull + tried * (new - pull))
            gain = np.where(np.isfinite(higher), higher, -np.inf) - height
            if (gain >= 0).all():
                break
            step = np.where(gain >= 0, step, 0.5 * step)
        step = np.where(gain >= 0, step, 0.0)[:, None]
        at, pull = at + step * (there - at), pull + step * (new - pull)
        height = summit(at, pull)
        if gain.max(initial=0.0) < NEAR:
            break
    _, bend = _derivatives(terms, at)
    volume = in_blocks(_log_determinant, bend)
    spread = np.sqrt(in_blocks(_variances, bend))
    third, fourth = _higher_derivatives(terms, at, spread)
    more = in_blocks(_next_order, bend, third, fourth)
    # Larger terms are no correction: they are cut, and counted by `Density.trusted`.
    return Density(height - 0.5 * volume + np.clip(more, -LARGE, LARGE), more)


def _derivatives(terms: Terms, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the slope of every term, and how fast it falls."""
    here, above, below = (terms(at + d) for d in (0.0, STEP, -STEP))
    return (above - below) / (2 * STEP), (2 * here - above - below) / STEP**2


def _solve(covariance: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.solve(covariance, right[..., None])[..., 0])


def _times(covariance: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.asarray((covariance @ right[..., None])[..., 0])


def _newton(
    covariance: np.ndarray, bend: np.ndarray, slope: np.ndarray, off: np.ndarray
) -> np.ndarray:
    """Return the inverse covariance times where Newton's method goes, less the mean."""
    root = np.sqrt(bend)
    right = bend * off + slope
    inner = np.eye(root.shape[1]) + root[:, :, None] * covariance * root[:, None, :]
    return np.asarray(right - root * _solve(inner, root * _times(covariance, right)))


def _log_determinant(covariance: np.ndarray, bend: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.slogdet(_identity_plus(covariance, bend))[1])


def _identity_plus(covariance: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """Return ``I + covariance bend``, whose determinant is positive at a summit.

    Where a summit was not reached it may not be: there, terms that rise outward count as flat.
    """
    found = np.eye(bend.shape[1]) + covariance * bend[:, None, :]
    wrong = np.linalg.slogdet(found)[0] <= 0
    if wrong.any():
        flat = np.maximum(bend[wrong], 0.0)
        found[wrong] = np.eye(bend.shape[1]) + covariance[wrong] * flat[:, None, :]
    return np.asarray(found)


def _around_summit(covariance: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """Return the covariance that is left when the terms are known."""
    return np.asarray(np.linalg.solve(_identity_plus(covariance, bend), covariance))


def _variances(covariance: np.ndarray, bend: np.ndarray) -> np.ndarray:
    found = np.diagonal(_around_summit(covariance, bend), axis1=1, axis2=2)
    return np.maximum(found, STEP**2)


def _higher_derivatives(
    terms: Terms, at: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return third and fourth derivatives, over a distance that matters."""
    h = 0.3 * spread
    low2, low, here, high, high2 = (terms(at + k * h) for k in (-2, -1, 0, 1, 2))
    third = (high2 - 2 * high + 2 * low - low2) / (2 * h**3)
    return third, (high2 - 4 * high + 6 * here - 4 * low + low2) / h**4


def _next_order(
    covariance: np.ndarray, bend: np.ndarray, third: np.ndarray, fourth: np.ndarray
) -> np.ndarray:
    """Return what third and fourth derivatives add to the logarithm of the integral."""
    left = _around_summit(covariance, bend)
    own = np.diagonal(left, axis1=1, axis2=2)
    pull = third * own
    among = third[:, :, None] * left**3 * third[:, None, :]
    apart = pull[:, :, None] * left * pull[:, None, :]
    found = (fourth * own**2).sum(axis=1) / 8
    return np.asarray(found + apart.sum(axis=(1, 2)) / 8 + among.sum(axis=(1, 2)) / 12)
