"""New models in a posterior: their log density, draw by draw of what all models share.

Given a draw of ruler, trend and spreads, a new model has one unknown, ``w = ln rho + ln(N/N*)``,
and each of its cells another, ``x_j ~ Normal(w + g_j, sd_j)``, of which the scores tell. On grids
of ``x_j`` and ``w`` the cells are integrated out, then ``w`` is drawn:

``p(w | scores) ~ p(w) prod_j M_j(w)``, ``M_j(w) = int Normal(x; w + g_j, sd_j) p(S_j | x) dx``.

The sum over ``w`` is the evidence of the scores, by which draws can be weighed as if the model had
been fitted with all others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, logsumexp

from bayesdense.errors import BayesdenseError
from bayesdense.model import Design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.new_models import Likelihood, NewModels
from bayesdense.posterior.weights import smoothed

__all__ = ["Placed", "PlacedModels", "place", "place_all"]

# Sizes that are looked at first, in parameters, and all that are expected; how finely, and on how
# many draws.
SMALLEST, LARGEST, COARSE, LOOKED_AT = 1e3, 1e18, 0.2, 40
# What lies further below the highest log density does not matter; nor do scores so unlikely.
DEPTH, DEPTH_OF_SCORES, FURTHEST = 20.0, 35.0, 6.5
# Points of w, and by how many standard deviations of what is expected it is left at most.
POINTS, REACH = 96, 8.0
# Steps of x as shares of the smallest standard deviation of a cell.
STEP_OF_CELL, FINEST = 0.8, 0.01
# Numbers of a kernel that are held at a time.
HELD = 4_000_000
LOWEST = -1e10


@dataclass(frozen=True)
class Placed:
    """One new model in a posterior.

    Attributes
    ----------
    log_density : numpy.ndarray, shape (draw,)
        ``ln rho``, one draw for each draw of what is shared.
    log_size : numpy.ndarray, shape (draw,)
        ``ln N`` as the model counts sizes.
    log_effective_size : numpy.ndarray, shape (draw, cell)
        ``ln N_eff`` on each of its benchmarks.
    log_evidence : numpy.ndarray, shape (draw,), or None
        Of its scores; None without a prior for its density.
    share_of_prior : float
        Which part of the density's mean is the prior's: posterior by prior
        variance, given what is shared; 0 without a prior.
    predicted_mean, predicted_sd : numpy.ndarray, shape (draw, score)
        What each score would be by all scores on the other benchmarks; NaN
        where nothing tells of it.
    """

    log_density: np.ndarray
    log_size: np.ndarray
    log_effective_size: np.ndarray
    log_evidence: np.ndarray | None
    share_of_prior: float
    predicted_mean: np.ndarray
    predicted_sd: np.ndarray


@dataclass(frozen=True)
class PlacedModels:
    """New models in a posterior, with the draws that they were placed in.

    Attributes
    ----------
    new : NewModels
        The new models.
    fitted : Design
        The design of the fit.
    draws : Draws
        Of what is shared, and of the models of the fit.
    log_density, log_size : numpy.ndarray, shape (draw, model)
        ``ln rho`` and ``ln N``.
    log_effective_size : numpy.ndarray, shape (draw, cell)
        ``ln N_eff`` by benchmark.
    predicted_mean, predicted_sd : numpy.ndarray, shape (draw, score)
        As of `Placed`.
    share_of_prior : numpy.ndarray, shape (model,)
        As of `Placed`.
    pareto_k, ess : float
        Of the weights that draws were given; 0 and their number without any.
    """

    new: NewModels
    fitted: Design
    draws: Draws
    log_density: np.ndarray
    log_size: np.ndarray
    log_effective_size: np.ndarray
    predicted_mean: np.ndarray
    predicted_sd: np.ndarray
    share_of_prior: np.ndarray
    pareto_k: float
    ess: float


@dataclass(frozen=True)
class _Grids:
    """Where ``w``, coarsely, and the ``x`` of each cell are looked at.

    Shapes (point,) and (point, cell); ``predictable`` says of each cell whether all others bound
    ``w`` too.
    """

    w: np.ndarray
    x: np.ndarray
    predictable: np.ndarray


def place(
    new: NewModels, draws: Draws, model: int, *, with_trend: bool, random: np.random.Generator
) -> Placed:
    """Place one new model, as if its family had no other new one.

    Parameters
    ----------
    new : NewModels
        New models.
    draws : Draws
        Posterior draws.
    model : int
        Code of the model.
    with_trend : bool
        Whether density is expected where trend, family and developer have it;
        else all are equally likely.
    random : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Placed

    Raises
    ------
    BayesdenseError
        If neither scores nor trend bound its density.
    """
    cells = new.cells_of(model)
    centre = new.design.log_size_centre
    size = new.log_size(draws)[:, model]
    shift, sd = (values[:, cells] for values in new.on_benchmarks(draws))
    prior = _Prior.of(new, draws, model, size) if with_trend else None
    likelihood = Likelihood(new, draws, cells)
    few = draws.at_most(LOOKED_AT)
    of_few = Likelihood(new, few, cells)
    size_few = new.log_size(few)[:, model]
    prior_few = _Prior.of(new, few, model, size_few) if with_trend else None
    shift_few, sd_few = (values[:, cells] for values in new.on_benchmarks(few))
    ends = np.log(SMALLEST) - centre, np.log(LARGEST) - centre
    if prior is not None:
        low, high = prior.reach()
        ends = min(ends[0], low.min()), max(ends[1], high.max())
    grids = _grids(of_few, prior_few, shift_few, sd_few, ends)
    if grids is None:
        raise BayesdenseError(
            f"the scores of '{new.table['model'][model]}' do not bound its density, since they lie "
            "at an end of their benchmarks; use the trend as its prior, or add scores on others"
        )

    seen = np.stack([likelihood(x) for x in grids.x], axis=1)
    seen = np.where(np.isfinite(seen), seen, LOWEST)
    # Draws differ in how narrow a density is: each has points of its own.
    near = _marginal(seen, grids.x, grids.w[None, :], shift, sd)
    points = _points(grids, prior, near)
    by_cell = _marginal(seen, grids.x, points, shift, sd)
    posterior = by_cell.sum(axis=2) + (0.0 if prior is None else prior(points))
    w = _drawn(posterior, points, random)
    middle = w[:, None] + shift
    x = np.empty_like(middle)
    for j in range(len(cells)):
        own = grids.x[:, j]
        given = seen[:, :, j] - 0.5 * ((own - middle[:, j, None]) / sd[:, j, None]) ** 2
        x[:, j] = _drawn(given, own[None, :], random)

    evidence, share = None, 0.0
    if prior is not None:
        evidence = logsumexp(posterior, axis=1) + np.log(points[:, 1] - points[:, 0])
        share = float(np.mean(_variance(posterior, points) / prior.variance))
    others = posterior[:, :, None] - by_cell
    mean, spread = _predictions(likelihood, others, points, shift, sd, random)
    known = grids.predictable[likelihood.part.arrays["score_cell"]]
    return Placed(
        log_density=w - size,
        log_size=size + centre,
        log_effective_size=x + centre,
        log_evidence=evidence,
        share_of_prior=share,
        predicted_mean=np.where(known, mean, np.nan),
        predicted_sd=np.where(known, spread, np.nan),
    )


def place_all(
    new: NewModels,
    fitted: Design,
    draws: Draws,
    *,
    with_trend: bool,
    as_fitted: bool,
    random: np.random.Generator,
) -> PlacedModels:
    """Place all new models.

    Parameters
    ----------
    new : NewModels
        New models.
    fitted : Design
        The design of the fit.
    draws : Draws
        Posterior draws.
    with_trend : bool
        As for `place`.
    as_fitted : bool
        Whether draws are weighed by the evidence of the new scores, and drawn again by
        their weights; else ruler and trend are left as they are.
    random : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    PlacedModels
    """
    each = [place(new, draws, m, with_trend=with_trend, random=random) for m in range(len(new))]
    kept, k, ess = np.arange(draws.count), 0.0, float(draws.count)
    if as_fitted:
        evidence = sum(np.asarray(one.log_evidence) for one in each)
        weights, k = smoothed(-np.asarray(evidence), 1.0)
        ess = float(1.0 / np.sum(weights**2))
        # Evenly spaced on the sum of the weights: hardly more noise than the weights have.
        places = (np.arange(draws.count) + random.uniform()) / draws.count
        kept = np.minimum(np.searchsorted(np.cumsum(weights), places), draws.count - 1)
    scores = np.concatenate([np.flatnonzero(_own_scores(new, m)) for m in range(len(new))])
    cells = np.concatenate([new.cells_of(m) for m in range(len(new))])

    def by(name: str, order: np.ndarray) -> np.ndarray:
        joined = np.concatenate([getattr(one, name) for one in each], axis=1)
        return np.asarray(joined[kept][:, np.argsort(order)])

    return PlacedModels(
        new=new,
        fitted=fitted,
        draws=draws.taken(kept),
        log_density=np.stack([one.log_density for one in each], axis=1)[kept],
        log_size=np.stack([one.log_size for one in each], axis=1)[kept],
        log_effective_size=by("log_effective_size", cells),
        predicted_mean=by("predicted_mean", scores),
        predicted_sd=by("predicted_sd", scores),
        share_of_prior=np.array([one.share_of_prior for one in each]),
        pareto_k=k,
        ess=ess,
    )


def _own_scores(new: NewModels, model: int) -> np.ndarray:
    arrays = new.design.arrays
    return np.asarray(arrays["cell_model"][arrays["score_cell"]] == model)


@dataclass(frozen=True)
class _Prior:
    """What is expected of ``w``: Normal, or less a half-normal lag; shapes (draw, 1)."""

    mean: np.ndarray
    sd: np.ndarray
    lag: np.ndarray | None

    @classmethod
    def of(cls, new: NewModels, draws: Draws, model: int, size: np.ndarray) -> _Prior:
        mean, sd, lag = new.expected(draws)
        own = slice(model, model + 1)
        return cls(mean[:, own] + size[:, None], sd[:, own], None if lag is None else lag[:, own])

    @property
    def variance(self) -> np.ndarray:
        lag = 0.0 if self.lag is None else self.lag[:, 0]
        return np.asarray(self.sd[:, 0] ** 2 + (1.0 - 2.0 / np.pi) * lag**2)

    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """Return between which values it is all but certain, each of shape (draw,)."""
        lag = 0.0 if self.lag is None else self.lag
        low, high = self.mean - REACH * (self.sd + lag), self.mean + REACH * self.sd
        return low[:, 0], high[:, 0]

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """Return the log density at points of shape (point,) or (draw, point)."""
        lag = 0.0 if self.lag is None else self.lag
        total = np.sqrt(self.sd**2 + lag**2)
        z = (w - self.mean) / total
        found = -0.5 * z**2 - np.log(total) - 0.5 * np.log(2.0 * np.pi)
        if self.lag is None:
            return np.asarray(found)
        # v - w, as the trend has it (Aigner, Lovell and Schmidt, 1977).
        return np.asarray(found + np.log(2.0) + log_ndtr(-z * self.lag / self.sd))


def _grids(
    likelihood: Likelihood,
    prior: _Prior | None,
    shift: np.ndarray,
    sd: np.ndarray,
    ends_of_w: tuple[float, float],
) -> _Grids | None:
    """Return where to look, by a coarse look at a few draws; None where nothing bounds ``w``."""
    wide = np.arange(*ends_of_w, COARSE)
    seen = np.stack([likelihood(np.full((1, shift.shape[1]), x)) for x in wide], axis=1)
    seen = np.where(np.isfinite(seen), seen, LOWEST)
    n_cells = shift.shape[1]
    predictable = np.ones(n_cells, dtype=bool)
    everywhere = np.repeat(wide[:, None], n_cells, axis=1)
    # Grids of this width say little of narrow cells, but where they are.
    by_cell = _marginal(seen, everywhere, wide[None, :], shift, np.maximum(sd, COARSE))
    log_prior = np.zeros((len(shift), len(wide))) if prior is None else prior(wide)
    posterior = log_prior + by_cell.sum(axis=2)
    kept = _near_highest(posterior, DEPTH)
    if prior is None and (kept[0] or kept[-1]):
        return None
    for j in range(n_cells):
        # What the other benchmarks say of each must lie inside too.
        others = _near_highest(posterior - by_cell[:, :, j], DEPTH)
        predictable[j] = prior is not None or not (others[0] or others[-1])
        kept |= others & predictable[j]
    low, high = wide[kept].min() - COARSE, wide[kept].max() + COARSE
    w = np.arange(low, high + COARSE, COARSE)
    ends, steps = [], []
    for j in range(n_cells):
        near = _near_highest(seen[:, :, j], DEPTH_OF_SCORES)
        reach = FURTHEST * sd[:, j].max()
        first = max(wide[near].min() - 2 * COARSE, low + shift[:, j].min() - reach)
        last = min(wide[near].max() + 2 * COARSE, high + shift[:, j].max() + reach)
        if first >= last:
            # The scores lie further out than anything that is expected.
            first, last = min(first, last) - COARSE, max(first, last) + COARSE
        ends.append((first, last))
        steps.append(STEP_OF_CELL * sd[:, j].min())
    fine = np.stack([np.linspace(first, last, 200) for first, last in ends], axis=1)
    close = np.stack([likelihood(x[None, :]) for x in fine], axis=1)
    for j, (first, last) in enumerate(ends):
        gap = (last - first) / 199
        bend = -np.diff(close[:, :, j], 2, axis=1) / gap**2
        at = np.clip(close[:, :, j].argmax(axis=1) - 1, 0, bend.shape[1] - 1)
        sharpest = bend[np.arange(len(bend)), at]
        sharpest = sharpest[np.isfinite(sharpest) & (sharpest > 0)]
        if len(sharpest):
            steps[j] = min(steps[j], STEP_OF_CELL / np.sqrt(sharpest.max()))
    count = max(
        int(np.ceil((last - first) / max(step, FINEST))) + 1
        for (first, last), step in zip(ends, steps, strict=True)
    )
    x = np.stack([np.linspace(first, last, count) for first, last in ends], axis=1)
    return _Grids(w, x, predictable)


def _near_highest(log_density: np.ndarray, depth: float) -> np.ndarray:
    """Return which points are near the highest one of any draw."""
    below = log_density - log_density.max(axis=1, keepdims=True)
    return np.asarray((below > -depth).any(axis=0))


def _points(grids: _Grids, prior: _Prior | None, by_cell: np.ndarray) -> np.ndarray:
    """Return where each draw has ``w``, with all scores and without any one of them."""
    log_prior = 0.0 if prior is None else prior(grids.w)
    posterior = by_cell.sum(axis=2) + log_prior
    kept = posterior > posterior.max(axis=1, keepdims=True) - DEPTH
    for j in np.flatnonzero(grids.predictable):
        others = posterior - by_cell[:, :, j]
        kept |= others > others.max(axis=1, keepdims=True) - DEPTH
    low = grids.w[kept.argmax(axis=1)] - COARSE
    high = grids.w[len(grids.w) - 1 - kept[:, ::-1].argmax(axis=1)] + COARSE
    if prior is not None:
        # What is expected may be narrower than the coarse grid.
        first, last = prior.reach()
        inside = (first < high) & (last > low)
        low = np.where(inside, np.maximum(low, first), low)
        high = np.where(inside, np.minimum(high, last), high)
    return np.asarray(np.linspace(low, high, POINTS, axis=1))


def _marginal(
    seen: np.ndarray, x_grids: np.ndarray, w: np.ndarray, shift: np.ndarray, sd: np.ndarray
) -> np.ndarray:
    """Integrate cells out: ``ln M_j(w)``, shape (draw, point of w, cell).

    Points of ``w`` have the shape (draw, point), or (1, point) where all draws have the same.
    """
    count, n_x, n_cells = seen.shape
    w = np.broadcast_to(w, (count, w.shape[1]))
    found = np.empty((*w.shape, n_cells))
    each = max(1, HELD // (n_x * w.shape[1]))
    for j in range(n_cells):
        x, highest = x_grids[:, j], seen[:, :, j].max(axis=1)
        mass = (x[1] - x[0]) / np.sqrt(2.0 * np.pi)
        for first in range(0, count, each):
            rows = slice(first, first + each)
            scale = sd[rows, j, None]
            from_cell = (x - shift[rows, j, None]) / scale
            log_kernel = -0.5 * (from_cell[:, None, :] - (w[rows] / scale)[:, :, None]) ** 2
            below = seen[rows, :, j] - highest[rows, None]
            log_kernel += below[:, None, :]
            # The tallest term first: far from all scores each is too small for a number.
            tallest = log_kernel.max(axis=2)
            total = np.exp(log_kernel - tallest[:, :, None]).sum(axis=2)
            found[rows, :, j] = np.log(total * mass / scale) + tallest + highest[rows, None]
    return found


def _drawn(log_density: np.ndarray, grid: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw a point for each draw, evenly within a step of its grid, shape (draw or 1, point)."""
    weights = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    below = np.cumsum(weights, axis=1)
    wanted = random.uniform(size=(len(weights), 1)) * below[:, -1:]
    chosen = np.minimum((below < wanted).sum(axis=1), grid.shape[1] - 1)
    found = np.take_along_axis(np.broadcast_to(grid, weights.shape), chosen[:, None], axis=1)[:, 0]
    return np.asarray(found + (grid[:, 1] - grid[:, 0]) * random.uniform(-0.5, 0.5, len(chosen)))


def _variance(log_density: np.ndarray, grid: np.ndarray) -> np.ndarray:
    weights = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    mean = (weights * grid).sum(axis=1)
    return np.asarray((weights * (grid - mean[:, None]) ** 2).sum(axis=1))


def _predictions(
    likelihood: Likelihood,
    others: np.ndarray,
    points: np.ndarray,
    shift: np.ndarray,
    sd: np.ndarray,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each score given those on other benchmarks."""
    x = np.empty_like(shift)
    for j in range(x.shape[1]):
        w = _drawn(others[:, :, j], points, random)
        x[:, j] = w + shift[:, j] + sd[:, j] * random.standard_normal(len(w))
    return likelihood.replicated(x, random)
