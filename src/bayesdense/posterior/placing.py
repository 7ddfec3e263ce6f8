"""New models in a posterior: their log density, draw by draw of what all models share.

Given a draw of ruler, trend and spreads, a new model has one unknown, ``w = ln rho + ln(N/N*)``,
and each of its cells another, ``x_j ~ Normal(w + g_j, sd_j)``, of which the scores tell. On grids
of ``x_j`` and ``w`` the cells are integrated out, then ``w`` is drawn:

``p(w | scores) ~ p(w) prod_j M_j(w)``, ``M_j(w) = int Normal(x; w + g_j, sd_j) p(S_j | x) dx``.

The sum over ``w`` is the evidence of the scores, by which draws can be weighed as if the model had
been fitted with all others.

New models of one family that the posterior does not know share its effect ``c z``, ``z ~
Normal(0, 1)``, on another grid: ``p(z | scores) ~ p(z) prod_m E_m(z)``, with ``E_m(z)`` the
evidence of model ``m`` given ``z``.
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
# Of the effect that siblings share, in its standard deviations.
SHARED = np.linspace(-6.0, 6.0, 61)
# Siblings times draws that are held at a time: 10 kB each.
MOST_SIBLINGS = 300_000
# Points of w, and by how many standard deviations of what is expected it is left at most.
POINTS, REACH = 96, 8.0
# Steps of x as shares of the smallest standard deviation of a cell.
STEP_OF_CELL, FINEST = 0.8, 0.01
# Numbers of a kernel that are held at a time.
HELD = 100_000
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
        Of its scores, given those of its siblings before it; None without a prior
        for its density.
    share_of_prior : float
        Which part of the density's mean is the prior's: posterior by prior
        variance, given what is shared and siblings' scores; 0 without a prior.
    predicted_mean, predicted_sd : numpy.ndarray, shape (draw, score)
        What each score would be by all scores on the other benchmarks, and
        those of siblings; NaN where nothing tells of it.
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


@dataclass(frozen=True)
class _Seen:
    """What the scores of one model say of its ``w``: ``by_cell`` is ``ln M_j`` at ``points``."""

    likelihood: Likelihood
    grids: _Grids
    prior: _Prior | None
    size: np.ndarray
    shift: np.ndarray
    sd: np.ndarray
    of_x: np.ndarray
    points: np.ndarray
    by_cell: np.ndarray

    @property
    def step(self) -> np.ndarray:
        return np.asarray(self.points[:, 1] - self.points[:, 0])

    @property
    def of_scores(self) -> np.ndarray:
        return np.asarray(self.by_cell.sum(axis=2))


def place(
    new: NewModels,
    draws: Draws,
    siblings: np.ndarray,
    *,
    with_trend: bool,
    random: np.random.Generator,
) -> list[Placed]:
    """Place one new model, or all of a family that the posterior does not know.

    Parameters
    ----------
    new : NewModels
        New models.
    draws : Draws
        Posterior draws.
    siblings : numpy.ndarray of int
        Codes of the models, as `NewModels.siblings` has them.
    with_trend : bool
        Whether density is expected where trend, family and developer have it;
        else all are equally likely, and siblings tell nothing of each other.
    random : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of Placed
        In the order of `siblings`.

    Raises
    ------
    BayesdenseError
        If neither scores nor trend bound a density, or there are too many siblings.
    """
    if len(siblings) * draws.count > MOST_SIBLINGS:
        name = new.table["family"][siblings[0]]
        raise BayesdenseError(
            f"{len(siblings)} new models of the family '{name}', placed together, are too many for "
            f"{draws.count} draws: at most {MOST_SIBLINGS // draws.count}, or fewer draws"
        )
    each = [_see(new, draws, model, with_trend=with_trend) for model in siblings]
    if not with_trend:
        return [_finish(new, one, 0.0, 0.0, 0.0, None, random) for one in each]
    if len(each) == 1:
        return [_of_single(new, each[0], random)]
    return _of_siblings(new, each, random)


def _of_single(new: NewModels, seen: _Seen, random: np.random.Generator) -> Placed:
    prior = seen.prior
    assert prior is not None
    expected = prior(seen.points)
    evidence = logsumexp(seen.of_scores + expected, axis=1) + np.log(seen.step)
    return _finish(new, seen, expected, expected, prior.variance, evidence, random)


def _of_siblings(new: NewModels, each: list[_Seen], random: np.random.Generator) -> list[Placed]:
    """Place models that share an effect: what one's scores say of it is expected of the others."""
    step = SHARED[1] - SHARED[0]
    normal = -0.5 * SHARED**2 + np.log(step) - 0.5 * np.log(2.0 * np.pi)
    given = [np.stack([_evidence(seen, z) for z in SHARED], axis=1) for seen in each]
    # After none of the models, one, two and so on.
    after = normal + np.cumsum([np.zeros_like(given[0]), *given], axis=0)
    effect = after[-1]
    z = _drawn(effect, SHARED[None, :], random)
    # Of each what the scores of those before it leave to be said: the sum is that of all.
    total = logsumexp(after, axis=2)
    placed = []
    for number, seen in enumerate(each):
        prior = seen.prior
        assert prior is not None
        others = effect - given[number]
        others = others - logsumexp(others, axis=1, keepdims=True)
        expected = np.full(seen.points.shape, -np.inf)
        for at, weight in zip(SHARED, others.T, strict=True):
            expected = np.logaddexp(expected, weight[:, None] + prior.given(at)(seen.points))
        share = np.exp(others)
        mean = share @ SHARED
        variance = share @ SHARED**2 - mean**2
        own = prior.given(z[:, None])
        placed.append(
            _finish(
                new,
                seen,
                expected,
                own(seen.points),
                own.variance + prior.shared[:, 0] ** 2 * variance,
                total[number + 1] - total[number],
                random,
            )
        )
    return placed


def _evidence(seen: _Seen, z: float) -> np.ndarray:
    assert seen.prior is not None
    terms = seen.of_scores + seen.prior.given(z)(seen.points)
    return np.asarray(logsumexp(terms, axis=1) + np.log(seen.step))


def _see(new: NewModels, draws: Draws, model: int, *, with_trend: bool) -> _Seen:
    """Integrate the cells of a model out, where its ``w`` may be."""
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

    of_x = likelihood.on_grid(grids.x)
    of_x = np.where(np.isfinite(of_x), of_x, LOWEST)
    # Draws differ in how narrow a density is: each has points of its own.
    near = _marginal(of_x, grids.x, grids.w[None, :], shift, sd)
    points = _points(grids, prior, near)
    by_cell = _marginal(of_x, grids.x, points, shift, sd)
    return _Seen(likelihood, grids, prior, size, shift, sd, of_x, points, by_cell)


def _finish(
    new: NewModels,
    seen: _Seen,
    expected: np.ndarray | float,
    given_effect: np.ndarray | float,
    prior_variance: np.ndarray | float,
    log_evidence: np.ndarray | None,
    random: np.random.Generator,
) -> Placed:
    """Draw a model's density and cells, and predict its scores.

    ``expected`` is the log density of ``w`` at its points before any score of the model,
    ``given_effect`` that given a draw of what siblings share.
    """
    w = _drawn(seen.of_scores + given_effect, seen.points, random)
    middle = w[:, None] + seen.shift
    x = np.empty_like(middle)
    for j in range(x.shape[1]):
        own = seen.grids.x[:, j]
        given = seen.of_x[:, :, j] - 0.5 * ((own - middle[:, j, None]) / seen.sd[:, j, None]) ** 2
        x[:, j] = _drawn(given, own[None, :], random)
    posterior, share = seen.of_scores + expected, 0.0
    if log_evidence is not None:
        share = float(np.mean(_variance(posterior, seen.points) / prior_variance))
    others = posterior[:, :, None] - seen.by_cell
    mean, spread = _predictions(seen, others, random)
    known = seen.grids.predictable[seen.likelihood.part.arrays["score_cell"]]
    centre = new.design.log_size_centre
    return Placed(
        log_density=w - seen.size,
        log_size=seen.size + centre,
        log_effective_size=x + centre,
        log_evidence=log_evidence,
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
    groups = new.siblings()
    found = {
        model: one
        for group in groups
        for model, one in zip(
            group, place(new, draws, group, with_trend=with_trend, random=random), strict=True
        )
    }
    each = [found[m] for m in range(len(new))]
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
    """What is expected of ``w``: Normal, or less a half-normal lag; shapes (draw, 1).

    ``shared`` is the part of ``sd`` that families and developers that are not known have.
    """

    mean: np.ndarray
    sd: np.ndarray
    lag: np.ndarray | None
    shared: np.ndarray

    @classmethod
    def of(cls, new: NewModels, draws: Draws, model: int, size: np.ndarray) -> _Prior:
        mean, sd, lag = new.expected(draws)
        own = slice(model, model + 1)
        lag = None if lag is None else lag[:, own]
        return cls(mean[:, own] + size[:, None], sd[:, own], lag, new.of_unknown(draws)[:, own])

    def given(self, z: np.ndarray | float) -> _Prior:
        """Return what is expected where the shared effect is ``z`` of its deviations."""
        own = np.sqrt(self.sd**2 - self.shared**2)
        return _Prior(self.mean + self.shared * z, own, self.lag, np.zeros_like(own))

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
    n_cells = shift.shape[1]
    everywhere = np.repeat(wide[:, None], n_cells, axis=1)
    seen = likelihood.on_grid(everywhere)
    seen = np.where(np.isfinite(seen), seen, LOWEST)
    predictable = np.ones(n_cells, dtype=bool)
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
    close = likelihood.on_grid(fine)
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
    seen: _Seen, others: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each score given those on other benchmarks."""
    x = np.empty_like(seen.shift)
    for j in range(x.shape[1]):
        w = _drawn(others[:, :, j], seen.points, random)
        x[:, j] = w + seen.shift[:, j] + seen.sd[:, j] * random.standard_normal(len(w))
    return seen.likelihood.replicated(x, random)
