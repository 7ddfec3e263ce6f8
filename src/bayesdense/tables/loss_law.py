"""The loss law in numbers: its coefficients and how it would split compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.errors import BayesdenseError
from bayesdense.model import Design
from bayesdense.model.variables import symbol_of, symbols_of
from bayesdense.posterior.draws import Draws, ruler_of
from bayesdense.posterior.intervals import interval_columns

__all__ = ["allocation_table", "coefficient_table", "outside_range", "positive_numbers"]

FLOP_PER_PARAMETER_AND_TOKEN = 6.0
MAP_COEFFICIENTS = (
    *("map_steepness", "map_midpoint_loss", "map_logit_at_centre", "map_slope_at_centre"),
    *("map_floor", "ceiling_share"),
)
WIDTH = 40.0
STEPS = 120
GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


def coefficient_table(draws: Draws, design: Design, at: str, prob: float) -> pd.DataFrame:
    """Return the coefficients of the law and of the map for each ruler.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    at : {"centre", "one"}
        Relative to ``N*`` and ``D*``, or with sizes and tokens in counts.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``step`` (``"loss law"`` or ``"score map"``), ``of`` (the loss
        set, or the benchmark), ``coefficient``, ``symbol``, ``mean``, ``sd``,
        ``median``, ``lower``, ``upper``, ``prob``, ``kind``.
    """
    if at not in ("centre", "one"):
        raise BayesdenseError(f"at must be 'centre' or 'one', not {at!r}")
    ruler = ruler_of(draws, design)
    sets = len(design.loss_sets)
    benchmarks = np.array(design.coords["benchmark"], dtype=object)
    found: list[tuple[str, str, str, np.ndarray]] = []
    for k, name in enumerate([*design.loss_sets, *benchmarks[~design.has_losses]]):
        # With scores only the loss has no scale, so amplitudes mean nothing.
        wanted = design.spec.law.coefficients if k < sets else design.spec.law.shape
        every = ruler.coefficients_at(np.array([k]))
        shown = {n: every[n][:, 0] for n in wanted}
        if at == "one" and k < sets:
            shown = design.spec.law.at_one(shown, design.log_size_centre, design.log_tokens_centre)
        found += [("loss law", name, coefficient, v) for coefficient, v in shown.items()]
    through_losses = list(benchmarks[design.has_losses])
    for name in benchmarks:
        for coefficient in MAP_COEFFICIENTS:
            if coefficient not in draws:
                continue
            of_losses = coefficient in ("map_steepness", "map_midpoint_loss")
            if of_losses and name not in through_losses:
                continue
            place = (through_losses if of_losses else list(benchmarks)).index(name)
            found.append(("score map", name, coefficient, draws[coefficient][:, place]))
    rows = [
        {
            "step": step,
            "of": of,
            "coefficient": coefficient,
            "symbol": symbol_of(coefficient, symbols_of(design.spec.law)),
            "mean": float(values.mean()),
            "sd": float(values.std()),
            **interval_columns(values, prob),
        }
        for step, of, coefficient, values in found
    ]
    return pd.DataFrame(rows)


def allocation_table(draws: Draws, design: Design, compute: Any, prob: float) -> pd.DataFrame:
    """Return the parameters and tokens that give the lowest loss for some compute.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    compute : float or sequence of float
        ``C = 6 N D``, in FLOP.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        As `RulerFit.allocation` describes.
    """
    if not design.loss_sets:
        raise BayesdenseError(
            "without losses the ruler knows no tokens, so compute cannot be split"
        )
    budgets = positive_numbers("compute", compute)
    ruler = ruler_of(draws, design)
    centre = design.log_size_centre + design.log_tokens_centre
    rows = []
    for k, loss_set in enumerate(design.loss_sets):
        c = ruler.coefficients_at(np.array([k]))
        total = np.log(budgets / FLOP_PER_PARAMETER_AND_TOKEN) - centre
        x = _lowest(design.spec.law, total, c, draws.count)
        log_size = x + design.log_size_centre
        log_tokens = total - x + design.log_tokens_centre
        middle = np.median(log_size, 0)
        # A law without an optimum has none within the references either.
        outside = outside_range(design, middle, np.median(log_tokens, 0)) | np.isnan(middle)
        quantities = {
            "n_params": np.exp(log_size),
            "n_tokens": np.exp(log_tokens),
            "tokens_per_param": np.exp(log_tokens - log_size),
            "loss": np.asarray(design.spec.law.loss(x, total - x, c)),
        }
        for i, budget in enumerate(budgets):
            for quantity, values in quantities.items():
                rows.append(
                    {
                        "loss_set": loss_set,
                        "compute": float(budget),
                        "quantity": quantity,
                        **interval_columns(values[:, i], prob),
                        "outside_reference": bool(outside[i]),
                    }
                )
    return pd.DataFrame(rows)


def positive_numbers(name: str, values: Any) -> np.ndarray:
    """Return one or more positive numbers as an array, or say what is wrong.

    Parameters
    ----------
    name : str
        What they are, for the message.
    values : float or sequence of float
        The numbers.

    Returns
    -------
    numpy.ndarray, shape (n,)

    Raises
    ------
    BayesdenseError
        If one is no positive number.
    """
    try:
        found = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError):
        found = np.array([np.nan])
    if found.ndim != 1 or not len(found) or not (np.isfinite(found) & (found > 0)).all():
        raise BayesdenseError(f"{name} must be one or more finite numbers above 0, not {values!r}")
    return found


def outside_range(design: Design, log_size: Any, log_tokens: Any) -> np.ndarray:
    """Return whether runs lie outside the sizes or tokens of the references.

    Parameters
    ----------
    design : Design
        With the references.
    log_size, log_tokens : numpy.ndarray
        ``ln N`` and ``ln D``; tokens are ignored where they are NaN.

    Returns
    -------
    numpy.ndarray of bool
    """
    references = design.models["is_reference"].to_numpy()
    sizes = (design.arrays["relative_log_size"] + design.log_size_centre)[references]
    tokens = np.log(design.models.loc[references, "n_tokens"].to_numpy(dtype=float))
    slack = 1e-9
    outside = (log_size < sizes.min() - slack) | (log_size > sizes.max() + slack)
    if design.loss_sets:
        low, high = np.nanmin(tokens) - slack, np.nanmax(tokens) + slack
        outside = outside | (log_tokens < low) | (log_tokens > high)
    return np.asarray(outside)


def _lowest(law: Any, total: np.ndarray, c: Mapping[str, Any], count: int) -> np.ndarray:
    """Return the log size that minimises the loss where log size and tokens add up to `total`.

    Golden section, for all draws and budgets together; NaN where the loss is
    lowest at the end of a range of e^40 to either side.
    """

    def loss(x: np.ndarray) -> np.ndarray:
        return np.asarray(law.loss(x, total - x, c))

    start = np.broadcast_to(total / 2, (count, len(total)))
    low, high = start - WIDTH, start + WIDTH
    for _ in range(STEPS):
        step = GOLDEN * (high - low)
        left_is_lower = loss(high - step) < loss(low + step)
        low, high = (
            np.where(left_is_lower, low, high - step),
            np.where(left_is_lower, low + step, high),
        )
    middle = (low + high) / 2
    return np.where(np.abs(middle - start) < WIDTH - 1e-3, middle, np.nan)
