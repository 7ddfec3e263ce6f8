"""What is predicted when one thing is left out: a measured loss, or all scores of a cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bayesdense.build import Layout
from bayesdense.build.losses import LOSS_DEGREES
from bayesdense.errors import BayesdenseError
from bayesdense.posterior.draws import Draws, RulerDraws
from bayesdense.spec import RulerSpec

__all__ = [
    "given_logits",
    "log_densities",
    "of_cells",
    "require_normal",
    "units_of",
    "withhold",
]

WIDEST, FURTHEST = 7.0, 60.0
LOOKED_AT = 50
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


def withhold(layout: Layout, left_out: np.ndarray) -> Layout:
    """Return a layout without the data of some units; models and cells stay.

    What was left out is predicted by the draws of the model that is built on
    this layout: a model or a family without data follows its prior given the
    rest. The number of parameters stays, so nothing is compiled again. Scores
    of a run are read at its measured loss also where that loss is left out:
    the density of a cell is that of its scores given the loss.

    Parameters
    ----------
    layout : Layout
        The whole dataset under the model.
    left_out : numpy.ndarray of bool, shape (unit,)
        In the order of `units_of`.

    Returns
    -------
    Layout
    """
    arrays, coords = dict(layout.arrays), dict(layout.coords)
    n_losses = len(coords["loss_id"])
    scores, lowest = layout.scores, layout.lowest_loss
    if n_losses:
        kept = ~left_out[:n_losses]
        # Maps are anchored where there are scores, not where there were.
        codes, losses = arrays["loss_set_code"][kept], np.exp(arrays["loss_observed"][kept])
        sets = range(len(lowest))
        lowest = np.array([losses[codes == k].min(initial=np.inf) for k in sets])
        lowest = np.where(np.isfinite(lowest), lowest, layout.lowest_loss)
        for name in [name for name in arrays if name.startswith("loss_")]:
            arrays[name] = arrays[name][kept]
        coords["loss_id"] = list(range(int(kept.sum())))
    if len(scores):
        kept = ~left_out[n_losses:][arrays["score_cell"]]
        scores = scores[kept].reset_index(drop=True)
        for name in [name for name in arrays if name.startswith("score_")]:
            arrays[name] = arrays[name][kept]
        before = arrays["score_before"].astype(int)
        arrays["score_first"] = np.arange(len(before)) - before
        coords["score_id"] = list(range(len(before)))
    return replace(layout, arrays=arrays, coords=coords, scores=scores, lowest_loss=lowest)


def log_densities(
    draws: Draws, layout: Layout, spec: RulerSpec, chosen: np.ndarray | None = None
) -> np.ndarray:
    """Return the log density of units, draw by draw.

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
    require_normal(layout, spec)
    n_losses, n_cells = len(layout.coords["loss_id"]), len(layout.coords["cell"])
    wanted = np.ones(n_losses + n_cells, dtype=bool) if chosen is None else chosen
    parts = []
    if n_losses:
        found = _of_losses(draws, RulerDraws(draws, layout, spec), layout)
        parts.append(found[:, wanted[:n_losses]])
    if wanted[n_losses:].any():
        parts.append(_of_cells(draws, layout, spec, np.flatnonzero(wanted[n_losses:])))
    return np.concatenate(parts, axis=1)


def require_normal(layout: Layout, spec: RulerSpec) -> None:
    """Complain about noise with which cells cannot be left out.

    Parameters
    ----------
    layout : Layout
        Decides whether there are cells.
    spec : RulerSpec
        With the noise between sources.

    Raises
    ------
    BayesdenseError
        If it is not Normal.
    """
    if len(layout.coords["cell"]) and spec.observation != "normal":
        raise BayesdenseError(
            f"leaving cells out needs observation='normal', not {spec.observation!r}: only then "
            "can the deviation of a cell be integrated out"
        )


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


def _of_cells(draws: Draws, layout: Layout, spec: RulerSpec, cells: np.ndarray) -> np.ndarray:
    """Integrate the deviation of some cells out, by the rectangle rule."""
    own = {name: draws[name][:, cells] for name in ("cell_ln_size", "cell_deviation")}
    layout = of_cells(layout, spec, cells)
    ruler = RulerDraws(draws, layout, spec)
    benchmark = layout.arrays["cell_benchmark"]
    scale = np.exp(layout.arrays["cell_log_scale"]) * draws["tau"][:, benchmark]
    middle = own["cell_ln_size"] - own["cell_deviation"]
    source = draws["phi"][:, benchmark] ** 2

    def term(z: float, part: slice = slice(None)) -> np.ndarray:
        stray = scale * z
        logit = ruler.cell_logit(middle + stray, stray)
        return given_logits(logit, source, draws, ruler, layout, spec)[part] - 0.5 * z**2

    # A cell that is badly predicted has its weight far out.
    few = slice(None, None, max(1, len(scale) // LOOKED_AT))
    coarse = np.arange(-FURTHEST, FURTHEST + 0.5)
    peaks = coarse[np.argmax([term(z, few) for z in coarse], axis=0)]
    step = _step(ruler, layout, scale, middle, np.sqrt(source))
    low, high = min(0.0, float(peaks.min())) - WIDEST, max(0.0, float(peaks.max())) + WIDEST
    total = np.full(scale.shape, -np.inf)
    for z in np.arange(low, high + step / 2, step):
        total = np.logaddexp(total, term(float(z)))
    return total + np.log(step) - 0.5 * np.log(2 * np.pi)


def of_cells(layout: Layout, spec: RulerSpec, cells: np.ndarray) -> Layout:
    """Return a layout of some cells and their scores.

    Parameters
    ----------
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.
    cells : numpy.ndarray of int
        Which cells, in order.

    Returns
    -------
    Layout
        Models and benchmarks stay.
    """
    arrays = dict(layout.arrays)
    for name in (
        "model",
        "benchmark",
        "ruler",
        "log_scale",
        "tokens",
        "items",
        "loss",
        "loss_seen",
    ):
        if f"cell_{name}" in arrays:
            arrays[f"cell_{name}"] = arrays[f"cell_{name}"][cells]
    for name in spec.law.covariates:
        arrays[f"cell_{name}"] = arrays[f"cell_{name}"][cells]
    kept = np.isin(arrays["score_cell"], cells)
    for name in ("benchmark", "harness", "before", "observed"):
        arrays[f"score_{name}"] = arrays[f"score_{name}"][kept]
    arrays["score_cell"] = np.searchsorted(cells, arrays["score_cell"][kept])
    return replace(layout, arrays=arrays)


def _step(
    ruler: RulerDraws, layout: Layout, scale: np.ndarray, middle: np.ndarray, noise: np.ndarray
) -> float:
    """Return a step below nearly all widths that scores give the likelihood of a deviation."""
    h = 0.05
    steepest = np.zeros(scale.shape)
    code = layout.arrays["cell_benchmark"]
    for z in np.linspace(-3.0, 3.0, 13):
        ends = [
            ruler.score(ruler.cell_logit(middle + scale * (z + d), scale * (z + d)), code)
            for d in (-h, h)
        ]
        steepest = np.maximum(steepest, np.abs(ends[1] - ends[0]) / (2 * h))
    most = float(np.bincount(layout.arrays["score_cell"]).max())
    widths = noise / np.sqrt(most) / np.maximum(steepest, 1e-12)
    return float(np.clip(PER_WIDTH * np.quantile(widths, 0.001), FINEST, COARSEST))


def given_logits(
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

    Parameters
    ----------
    logit : numpy.ndarray, shape (draw, cell)
        Of every cell, on the average harness.
    source : numpy.ndarray, shape (draw, cell)
        Variance between sources.
    draws : Draws
        Posterior draws.
    ruler : RulerDraws
        The ruler on these draws.
    layout : Layout
        Of the cells.
    spec : RulerSpec
        The composition of the model.

    Returns
    -------
    numpy.ndarray, shape (draw, cell)
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
