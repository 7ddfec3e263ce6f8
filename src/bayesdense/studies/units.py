"""What can be left out of a dataset: a measured loss, or all scores of a cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bayesdense.model import Design

__all__ = ["units_of", "withhold"]


def units_of(design: Design) -> pd.DataFrame:
    """Return what can be left out: every measured loss, then every cell with scores.

    Parameters
    ----------
    design : Design
        The dataset under the model.

    Returns
    -------
    pandas.DataFrame
        Columns ``quantity`` (``"loss"`` or ``"score"``), ``model``,
        ``family``, ``developer``, ``of`` (the loss set or benchmark), ``is_reference`` and
        ``n_params``.
    """
    arrays = design.arrays
    sets = np.array(design.loss_sets, dtype=object)
    benchmarks = np.array(design.coords["benchmark"], dtype=object)
    parts = []
    if len(sets):
        parts.append(("loss", arrays["loss_model"], sets[arrays["loss_set_code"]]))
    if len(benchmarks):
        parts.append(("score", arrays["cell_model"], benchmarks[arrays["cell_benchmark"]]))
    columns = ["model", "family", "developer", "is_reference", "n_params"]
    return pd.concat(
        [
            design.models.iloc[code][columns].assign(quantity=quantity, of=of)
            for quantity, code, of in parts
        ],
        ignore_index=True,
    )


def withhold(design: Design, left_out: np.ndarray) -> Design:
    """Return a design without the data of some units; models and cells stay.

    What was left out is predicted by the draws of the model that is built on
    this design: a model or a family without data follows its prior given the
    rest. The number of parameters stays, so nothing is compiled again. Scores
    of a run are read at its measured loss also where that loss is left out:
    the density of a cell is that of its scores given the loss.

    Parameters
    ----------
    design : Design
        The whole dataset under the model.
    left_out : numpy.ndarray of bool, shape (unit,)
        In the order of `units_of`.

    Returns
    -------
    Design
    """
    arrays, coords = dict(design.arrays), dict(design.coords)
    n_losses = len(coords["loss_id"])
    scores, lowest = design.scores, design.lowest_loss
    if n_losses:
        kept = ~left_out[:n_losses]
        # The lowest loss is that of what is left.
        codes, losses = arrays["loss_set_code"][kept], np.exp(arrays["loss_observed"][kept])
        sets = range(len(lowest))
        lowest = np.array([losses[codes == k].min(initial=np.inf) for k in sets])
        lowest = np.where(np.isfinite(lowest), lowest, design.lowest_loss)
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
    return replace(design, arrays=arrays, coords=coords, scores=scores, lowest_loss=lowest)
