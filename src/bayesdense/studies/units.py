"""What is predicted when one thing is left out: a measured loss, or all scores of a cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bayesdense.build import Layout
from bayesdense.build.ruler import LOSS_DEGREES
from bayesdense.errors import BayesdenseError
from bayesdense.spec import RulerSpec
from bayesdense.summaries.draws import Draws, RulerDraws

__all__ = ["log_densities", "units_of", "withhold"]

WIDEST = 7.0
COARSEST, FINEST = 0.25, 0.004
PER_WIDTH = 0.8


def units_of(layout: Layout) -> pd.DataFrame:
    """Return what can be left out: every measured loss, then every cell with scores.

    Parameters
    ----------
    layout : Layout
        The dataset under the model.

    Returns
    -------
    pandas.DataFrame
        Columns ``quantity`` (``"loss"`` or ``"score"``), ``model``,
        ``family``, ``of`` (the loss set or benchmark), ``is_reference`` and
        ``n_params``.
    """
    arrays = layout.arrays
    sets = np.array(layout.loss_sets, dtype=object)
    benchmarks = np.array(layout.coords["benchmark"], dtype=object)
    parts = []
    if len(sets):
        parts.append(("loss", arrays["loss_model"], sets[arrays["loss_set_code"]]))
    if len(benchmarks):
        parts.append(("score", arrays["cell_model"], benchmarks[arrays["cell_benchmark"]]))
    columns = ["model", "family", "is_reference", "n_params"]
    return pd.concat(
        [
            layout.models.iloc[code][columns].assign(quantity=quantity, of=of)
            for quantity, code, of in parts
        ],
        ignore_index=True,
    )


def withhold(layout: Layout, spec: RulerSpec, left_out: np.ndarray) -> Layout:
    """Return a layout without the data of some units; models and cells stay.

    What was left out is predicted by the draws of the model that is built on
    this layout: a model or a family without data follows its prior given the
    rest. The number of parameters stays, so nothing is compiled again.

    Parameters
    ----------
    layout : Layout
        The whole dataset under the model.
    spec : RulerSpec
        The composition of the model.
    left_out : numpy.ndarray of bool, shape (unit,)
        In the order of `units_of`.

    Returns
    -------
    Layout
    """
    arrays, coords = dict(layout.arrays), dict(layout.coords)
    n_losses = len(coords["loss_id"])
    scores = layout.scores
    if n_losses:
        kept = ~left_out[:n_losses]
        for name in ("loss_set_code", "loss_tokens", "loss_observed", "loss_model"):
            arrays[name] = arrays[name][kept]
        for name in spec.law.covariates:
            arrays[f"loss_{name}"] = arrays[f"loss_{name}"][kept]
        coords["loss_id"] = list(range(int(kept.sum())))
    if len(scores):
        kept = ~left_out[n_losses:][arrays["score_cell"]]
        scores = scores[kept].reset_index(drop=True)
        for name in ("score_cell", "score_benchmark", "score_harness", "score_before"):
            arrays[name] = arrays[name][kept]
        arrays["score_observed"] = arrays["score_observed"][kept]
        before = arrays["score_before"].astype(int)
        arrays["score_first"] = np.arange(len(before)) - before
        coords["score_id"] = list(range(len(before)))
    return replace(layout, arrays=arrays, coords=coords, scores=scores)


def log_densities(draws: Draws, layout: Layout, spec: RulerSpec) -> np.ndarray:
    """Return the log density of every unit, draw by draw.

    That of a loss is of its logarithm. That of a cell is the joint density of
    its scores with its own deviation integrated out, on a grid that is fine
    against what the scores say of the deviation: left in, a cell would be
    predicted by a parameter that only it informs.

    Parameters
    ----------
    draws : Draws
        Posterior draws, of these data or of part of them.
    layout : Layout
        The whole dataset under the model.
    spec : RulerSpec
        The composition of the model.

    Returns
    -------
    numpy.ndarray, shape (draw, unit)
        In the order of `units_of`.

    Raises
    ------
    BayesdenseError
        If the noise between sources is not Normal.
    """
    if spec.observation != "normal":
        raise BayesdenseError(
            f"leaving cells out needs observation='normal', not {spec.observation!r}: only then "
            "can the deviation of a cell be integrated out"
        )
    ruler = RulerDraws(draws, layout, spec)
    parts = []
    if layout.loss_sets:
        parts.append(_of_losses(draws, ruler, layout))
    if len(layout.coords["cell"]):
        parts.append(_of_cells(draws, ruler, layout, spec))
    return np.concatenate(parts, axis=1)


def _of_losses(draws: Draws, ruler: RulerDraws, layout: Layout) -> np.ndarray:
    """Student-t on the logarithm, as `bayesdense.build.ruler.add_losses` has it."""
    from scipy.stats import t

    arrays = layout.arrays
    run, which = arrays["loss_model"], arrays["loss_set_code"]
    x = (ruler.log_size - layout.log_size_centre)[..., run]
    if "r" in draws:
        family = arrays["reference_family_code"][run - layout.size("target")]
        x = x + draws["r"][:, family]
    c = {name: values[:, which] for name, values in ruler.coefficients.items()}
    c |= {name: arrays[f"loss_{name}"] for name in ruler.law.covariates}
    expected = np.asarray(ruler.law.loss(x, arrays["loss_tokens"], c))
    observed, scale = arrays["loss_observed"], draws["sigma_loss"][:, which]
    return np.asarray(t.logpdf(observed, LOSS_DEGREES, np.log(expected), scale))


def _of_cells(draws: Draws, ruler: RulerDraws, layout: Layout, spec: RulerSpec) -> np.ndarray:
    """Integrate the deviation of every cell out, by the rectangle rule."""
    arrays = layout.arrays
    benchmark = arrays["cell_benchmark"]
    scale = arrays["cell_scale"] * draws["tau"][:, benchmark]
    middle = draws["cell_ln_size"] - scale * draws["z_raw"]
    source = draws["phi"][:, benchmark] ** 2
    step = _step(ruler, layout, scale, middle, np.sqrt(source))
    grid = np.arange(-WIDEST, WIDEST + step / 2, step)
    total = np.full(scale.shape, -np.inf)
    for z in grid:
        logit = ruler.cell_logit(middle + scale * z, scale * z)
        found = _given_deviation(logit, source, draws, ruler, layout, spec)
        total = np.logaddexp(total, found - 0.5 * z**2)
    return total + np.log(step) - 0.5 * np.log(2 * np.pi)


def _step(
    ruler: RulerDraws, layout: Layout, scale: np.ndarray, middle: np.ndarray, noise: np.ndarray
) -> float:
    """Return a step that is below the narrowest likelihood of a deviation."""
    h = 0.05
    steepest = np.zeros(scale.shape)
    code = layout.arrays["cell_benchmark"]
    for z in np.linspace(-3.0, 3.0, 13):
        ends = [
            ruler.score(ruler.cell_logit(middle + scale * (z + d), scale * (z + d)), code)
            for d in (-h, h)
        ]
        steepest = np.maximum(steepest, np.abs(ends[1] - ends[0]) / (2 * h))
    widths = noise / np.maximum(steepest, 1e-12)
    return float(np.clip(PER_WIDTH * np.quantile(widths, 0.001), FINEST, COARSEST))


def _given_deviation(
    logit: np.ndarray,
    source: np.ndarray,
    draws: Draws,
    ruler: RulerDraws,
    layout: Layout,
    spec: RulerSpec,
) -> np.ndarray:
    """Return the joint log density of the scores of every cell at known logits.

    The scores share the deviation of their items: their covariance is
    ``source I + items 11'``.
    """
    arrays = layout.arrays
    cell, benchmark = arrays["score_cell"], arrays["score_benchmark"]
    latent = ruler.score(logit, arrays["cell_benchmark"])
    mean = latent[:, cell]
    if "eta" in draws:
        shifted = logit[:, cell] + draws["eta"][:, arrays["score_harness"], benchmark]
        mean = ruler.score(shifted, benchmark)
    items = np.maximum(latent * (1.0 - latent), 0.0) / arrays["cell_items"]
    if not spec.item_noise:
        items = np.zeros_like(items)
    starts = np.flatnonzero(arrays["score_before"] == 0)
    residual = arrays["score_observed"] - mean
    total = np.add.reduceat(residual, starts, axis=1)
    squares = np.add.reduceat(residual**2, starts, axis=1)
    count = np.diff([*starts, residual.shape[1]])
    joint = source + count * items
    quadratic = squares / source - items * total**2 / (source * joint)
    log_determinant = (count - 1) * np.log(source) + np.log(joint)
    return -0.5 * (quadratic + log_determinant + count * np.log(2 * np.pi))
