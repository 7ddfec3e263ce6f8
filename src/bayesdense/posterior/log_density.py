"""Log densities of what was measured, draw by draw: losses, cells and single scores.

A loss is Student-t around the law. The scores of a cell are jointly Normal once its deviation is
known, which is integrated out by the rectangle rule, or taken as it was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from bayesdense.errors import BayesdenseError
from bayesdense.model import Design
from bayesdense.model.loss_data import LOSS_DEGREES
from bayesdense.model.loss_law import expected_losses
from bayesdense.model.observation import (
    STUDENT_DEGREES,
    expected_scores,
    harness_shift,
    item_variance,
    replicated_logp,
    source_sd,
)
from bayesdense.model.ruler import Ruler
from bayesdense.posterior.draws import Draws, cell_logits, log_sizes, ruler_of

__all__ = [
    "given_logits",
    "log_densities",
    "loss_log_densities",
    "loss_noise",
    "of_cells",
    "require_normal",
    "score_log_densities",
]

WIDEST, FURTHEST = 7.0, 60.0
LOOKED_AT = 50
COARSEST, FINEST = 0.25, 0.004
PER_WIDTH = 0.8


def log_densities(draws: Draws, design: Design, chosen: np.ndarray | None = None) -> np.ndarray:
    """Return the log density of units, draw by draw.

    That of a loss is of its logarithm. That of a cell is the joint density of
    its scores with its own deviation integrated out, on a grid that is fine
    against what the scores say of the deviation: left in, a cell would be
    predicted by a parameter that only it informs.

    Parameters
    ----------
    draws : Draws
        Posterior draws, of these data or of part of them.
    design : Design
        The whole dataset under the model.
    chosen : numpy.ndarray of bool, shape (unit,), optional
        Which units; all if not given.

    Returns
    -------
    numpy.ndarray, shape (draw, unit)
        In the order of `units_of`.

    Raises
    ------
    BayesdenseError
        If the noise between sources is not Normal.
    """
    require_normal(design)
    n_losses, n_cells = len(design.coords["loss_id"]), len(design.coords["cell"])
    wanted = np.ones(n_losses + n_cells, dtype=bool) if chosen is None else chosen
    parts = []
    if n_losses:
        found = loss_log_densities(draws, design)
        parts.append(found[:, wanted[:n_losses]])
    if wanted[n_losses:].any():
        parts.append(_of_cells(draws, design, np.flatnonzero(wanted[n_losses:])))
    return np.concatenate(parts, axis=1)


def score_log_densities(draws: Draws, design: Design) -> np.ndarray:
    """Return the log density of single scores, given the deviation of their cell.

    A score is given everything that was drawn and the scores before it in its
    cell, with which it shares the sampling of items: by the chain rule the
    terms of a cell add up to the joint log density of its scores.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.

    Returns
    -------
    numpy.ndarray, shape (draw, score)
    """
    from scipy.stats import t

    arrays = design.arrays
    ruler = ruler_of(draws, design)
    logit = cell_logits(ruler, draws, design, draws["log_effective_size"], draws["cell_effect"])
    latent, mean = expected_scores(ruler, logit, harness_shift(draws, arrays), arrays)
    items = item_variance(latent, arrays["cell_items"], design.spec)[:, arrays["score_cell"]]
    noise = source_sd(draws, latent, arrays["cell_benchmark"])[:, arrays["score_cell"]]
    observed = arrays["score_observed"]
    if design.spec.observation == "student-t":
        mean = mean + np.sqrt(items) * draws["item_effect"][:, arrays["score_cell"]]
        return np.asarray(t.logpdf(observed, STUDENT_DEGREES, mean, noise))
    before, first = arrays["score_before"], arrays["score_first"]
    return np.asarray(replicated_logp(observed, mean, items, noise**2, before, first))


def require_normal(design: Design) -> None:
    """Complain about noise with which cells cannot be left out.

    Parameters
    ----------
    design : Design
        Decides whether there are cells.

    Raises
    ------
    BayesdenseError
        If it is not Normal.
    """
    if len(design.coords["cell"]) and design.spec.observation != "normal":
        raise BayesdenseError(
            f"leaving cells out needs observation='normal', not {design.spec.observation!r}: "
            "only then can the deviation of a cell be integrated out"
        )


def loss_log_densities(draws: Draws, design: Design) -> np.ndarray:
    """Return the log density of the logarithm of every loss.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.

    Returns
    -------
    numpy.ndarray, shape (draw, loss_id)
    """
    from scipy.stats import t

    mean, scale = loss_noise(draws, design)
    return np.asarray(t.logpdf(design.arrays["loss_observed"], LOSS_DEGREES, mean, scale))


def loss_noise(draws: Draws, design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Return location and scale of the Student-t of every log loss.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.

    Returns
    -------
    location, scale : numpy.ndarray, shape (draw, loss_id)
    """
    ruler = ruler_of(draws, design)
    size = log_sizes(draws, design) - design.log_size_centre
    expected = expected_losses(ruler, draws, design.arrays, size, design.size("target"))
    return np.log(expected), draws["loss_noise_sd"][:, design.arrays["loss_set_code"]]


def _of_cells(draws: Draws, design: Design, cells: np.ndarray) -> np.ndarray:
    """Integrate the deviation of some cells out, by the rectangle rule."""
    own = {name: draws[name][:, cells] for name in ("log_effective_size", "cell_effect")}
    design = of_cells(design, cells)
    ruler = ruler_of(draws, design)
    benchmark = design.arrays["cell_benchmark"]
    scale = design.arrays["cell_scale"] * draws["cell_effect_sd"][:, benchmark]
    middle = own["log_effective_size"] - own["cell_effect"]

    def logits(deviation: np.ndarray) -> np.ndarray:
        return cell_logits(ruler, draws, design, middle + deviation, deviation)

    def term(z: float, part: slice = slice(None)) -> np.ndarray:
        logit = logits(scale * z)
        return given_logits(logit, draws, ruler, design)[part] - 0.5 * z**2

    # A cell that is badly predicted has its weight far out.
    few = slice(None, None, max(1, len(scale) // LOOKED_AT))
    coarse = np.arange(-FURTHEST, FURTHEST + 0.5)
    peaks = coarse[np.argmax([term(z, few) for z in coarse], axis=0)]
    here = ruler.score(logits(own["cell_effect"]), benchmark)
    noise = source_sd(draws, here, benchmark)
    step = _step(lambda z: ruler.score(logits(scale * z), benchmark), design, noise)
    low, high = min(0.0, float(peaks.min())) - WIDEST, max(0.0, float(peaks.max())) + WIDEST
    total = np.full(scale.shape, -np.inf)
    for z in np.arange(low, high + step / 2, step):
        total = np.logaddexp(total, term(float(z)))
    return total + np.log(step) - 0.5 * np.log(2 * np.pi)


def of_cells(design: Design, cells: np.ndarray) -> Design:
    """Return a design of some cells and their scores.

    Parameters
    ----------
    design : Design
        The dataset under the model.
    cells : numpy.ndarray of int
        Which cells, in order.

    Returns
    -------
    Design
        Models and benchmarks stay.
    """
    arrays = dict(design.arrays)
    for name in (
        "model",
        "benchmark",
        "ruler",
        "scale",
        "tokens",
        "items",
        "loss",
        "loss_seen",
    ):
        if f"cell_{name}" in arrays:
            arrays[f"cell_{name}"] = arrays[f"cell_{name}"][cells]
    for name in design.spec.law.covariates:
        arrays[f"cell_{name}"] = arrays[f"cell_{name}"][cells]
    kept = np.isin(arrays["score_cell"], cells)
    for name in ("benchmark", "harness", "before", "observed", "drift_years"):
        if f"score_{name}" in arrays:
            arrays[f"score_{name}"] = arrays[f"score_{name}"][kept]
    arrays["score_cell"] = np.searchsorted(cells, arrays["score_cell"][kept])
    return replace(design, arrays=arrays)


def _step(score: Callable[[float], np.ndarray], design: Design, noise: np.ndarray) -> float:
    """Return a step below nearly all widths that scores give the likelihood of a deviation."""
    h = 0.05
    steepest = np.zeros(noise.shape)
    for z in np.linspace(-3.0, 3.0, 13):
        low, high = score(z - h), score(z + h)
        steepest = np.maximum(steepest, np.abs(high - low) / (2 * h))
    most = float(np.bincount(design.arrays["score_cell"]).max())
    widths = noise / np.sqrt(most) / np.maximum(steepest, 1e-12)
    return float(np.clip(PER_WIDTH * np.quantile(widths, 0.001), FINEST, COARSEST))


def given_logits(
    logit: np.ndarray,
    draws: Mapping[str, np.ndarray],
    ruler: Ruler,
    design: Design,
) -> np.ndarray:
    """Return the joint log density of the scores of every cell at known logits.

    The scores share the deviation of their items: their covariance is
    ``source I + items 11'``, of which the first is the variance between sources.

    Parameters
    ----------
    logit : numpy.ndarray, shape (draw, cell)
        Of every cell, on the average harness.
    draws : mapping of str to numpy.ndarray
        Posterior draws.
    ruler : Ruler
        The ruler on these draws.
    design : Design
        Of the cells.

    Returns
    -------
    numpy.ndarray, shape (draw, cell)
    """
    arrays = design.arrays
    latent, mean = expected_scores(ruler, logit, harness_shift(draws, arrays), arrays)
    items = item_variance(latent, arrays["cell_items"], design.spec)
    source = source_sd(draws, latent, arrays["cell_benchmark"]) ** 2
    starts = np.flatnonzero(arrays["score_before"] == 0)
    residual = arrays["score_observed"] - mean
    total = np.add.reduceat(residual, starts, axis=1)
    squares = np.add.reduceat(residual**2, starts, axis=1)
    count = np.diff([*starts, residual.shape[1]])
    joint = source + count * items
    quadratic = squares / source - items * total**2 / (source * joint)
    log_determinant = (count - 1) * np.log(source) + np.log(joint)
    return -0.5 * (quadratic + log_determinant + count * np.log(2 * np.pi))
