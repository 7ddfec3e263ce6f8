"""Deviations of models on single benchmarks, from the effective sizes that they are part of.

``tau_j epsilon`` of docs/model.md, "Cells", is what an effective size has beyond density, size and
what is common to a benchmark. Scores depend on the effective size, which is known far better than
its parts: it is the one to store, and the deviation is what remains.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from bayesdense.model import Design
from bayesdense.model.dates import years_of
from bayesdense.model.families import KINDS
from bayesdense.model.trend import differences, target_sizes
from bayesdense.posterior.draws import Draws, log_sizes

__all__ = ["with_cell_effects", "without_cell_effects"]

NAME, WHOLE = "cell_effect", "log_effective_size"
# What two ways of adding up the same doubles can differ by.
ROUNDING = 1e-9


def with_cell_effects(posterior: xr.Dataset, design: Design) -> xr.Dataset:
    """Return draws with the deviation of every cell.

    Parameters
    ----------
    posterior : xarray.Dataset
        Draws of effective sizes and of everything else that these are the sum of.
    design : Design
        The dataset under the model.

    Returns
    -------
    xarray.Dataset
        The same where deviations are in it already, or where there are no cells.
    """
    if NAME in posterior or WHOLE not in posterior:
        return posterior
    sizes = [posterior.sizes[dim] for dim in ("chain", "draw")]
    draws = Draws(posterior)
    values = (draws[WHOLE] - _rest(draws, design)).reshape(*sizes, -1)
    return posterior.assign({NAME: (("chain", "draw", "cell"), values)})


def without_cell_effects(posterior: xr.Dataset, design: Design) -> xr.Dataset:
    """Return draws without the deviations of cells, where `with_cell_effects` gives them again.

    Parameters
    ----------
    posterior : xarray.Dataset
        Draws.
    design : Design
        The dataset under the model.

    Returns
    -------
    xarray.Dataset
    """
    if NAME not in posterior or WHOLE not in posterior:
        return posterior
    rest = posterior.drop_vars(NAME)
    again = with_cell_effects(rest, design)[NAME].values
    stored = posterior[NAME].transpose("chain", "draw", ...).values
    return rest if np.allclose(again, stored, rtol=0, atol=ROUNDING) else posterior


def _rest(draws: Draws, design: Design) -> np.ndarray:
    """Return the log effective size of each cell without its own deviation, shape (draw, cell)."""
    arrays = design.arrays
    model, benchmark = arrays["cell_model"], arrays["cell_benchmark"]
    log_size = log_sizes(draws, design)
    total = draws["log_density"][:, model] + log_size[..., model]
    targets = np.flatnonzero(model < design.size("target"))
    if not len(targets):
        return np.asarray(total)
    size = np.atleast_2d(log_size - design.log_size_centre)
    size = target_sizes(size, arrays, design.size("target"))
    years = np.atleast_2d(years_of(draws, arrays))
    found = differences(draws, years, size)
    if found is not None:
        total[:, targets] += found[:, model[targets], benchmark[targets]]
    for kind in KINDS:
        if f"{kind}_benchmark_effect" in draws:
            group = arrays[f"{kind}_code"][model[targets]]
            total[:, targets] += draws[f"{kind}_benchmark_effect"][:, group, benchmark[targets]]
    return np.asarray(total)
