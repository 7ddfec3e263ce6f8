"""Effective sizes averaged over rulers, and how much wider that makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.errors import BayesdenseError
from bayesdense.fit import DensityFit
from bayesdense.posterior.intervals import PROB, TABLE_SEED, check_prob, interval_columns

__all__ = ["average_rulers"]

DRAWS = 20_000
SMALLEST_WEIGHT = 1e-3


def average_rulers(
    fits: Mapping[str, DensityFit],
    weights: Mapping[str, float],
    *,
    by: str = "model",
    prob: float = PROB,
) -> pd.DataFrame:
    """Return effective sizes under a mixture of rulers.

    Draws of the fits are mixed in proportion to the weights, so that an
    interval holds the uncertainty about the form of the ruler as well as that
    given each form.

    Parameters
    ----------
    fits : mapping of str to DensityFit
        Fits of the same data, one for each ruler.
    weights : mapping of str to float
        Of the same names, such as `RulerComparison.weights` gives them; not
        negative. They are divided by their sum.
    by : {"model", "benchmark"}
        One row for each model, or for each model on each benchmark.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``model``, ``benchmark`` (where asked for), ``median``,
        ``lower``, ``upper`` (parameters), ``prob``, ``kind``,
        ``outside_reference`` and ``p_above_reach`` (averages over the rulers:
        the share of weight under which the median lies outside the reference
        range, and the probability of a score above reach), ``single`` (the
        ruler of most weight), ``widening``: the interval's width in log size,
        over that of the single ruler, and whether all the fits can be
        ``trusted``.

    Raises
    ------
    BayesdenseError
        If names, data, sizes or token budgets of the fits differ, or weights
        are not weights.
    """
    check_prob(prob)
    shares = _shares(fits, weights)
    digests = {fit.data.digest for fit in fits.values()}
    if len(digests) > 1:
        raise BayesdenseError("fits: effective sizes are averaged over fits of the same data")
    meant = {(fit.spec.size.name, fit.spec.tokens) for fit in fits.values()}
    if len(meant) > 1:
        raise BayesdenseError(
            "fits: effective sizes of other size definitions or token budgets mean other things; "
            "they are averaged over fits with the same size and d0"
        )
    if len({fit.spec.ruler == "skill" for fit in fits.values()}) > 1:
        raise BayesdenseError(
            "fits: without a reference family (ruler='skill') effective sizes are relative to the "
            "trend, and cannot be averaged with those on a ruler"
        )
    random = np.random.default_rng(TABLE_SEED)
    tables = {name: fit.effective_size(by=by, prob=prob) for name, fit in fits.items()}
    single = max(shares, key=lambda name: shares[name])
    parts = []
    for name, share in shares.items():
        log_size = fits[name].log_effective_size(by=by)
        rows = random.integers(len(log_size), size=round(share * DRAWS))
        parts.append(log_size[rows])
    mixed = np.concatenate(parts)
    first = tables[single]
    labels = ["model", "benchmark"] if by == "benchmark" else ["model"]
    columns = interval_columns(np.exp(mixed), prob)
    kinds = dict.fromkeys(fits[name].interval_kind for name in shares)
    width = np.log(columns["upper"] / columns["lower"])
    own = np.log(np.asarray(first["upper"] / first["lower"]))
    trusted = all(fits[name].checks().trusted for name in shares)
    averaged: dict[str, Any] = {
        column: sum(share * tables[name][column].astype(float) for name, share in shares.items())
        for column in ("outside_reference", "p_above_reach")
    }
    return first[labels].assign(
        **{**columns, "kind": ", ".join(kinds)},
        **averaged,
        single=single,
        widening=width / own,
        trusted=trusted,
    )


def _shares(fits: Mapping[str, Any], weights: Mapping[str, float]) -> dict[str, float]:
    if not fits or set(fits) != set(weights):
        raise BayesdenseError(
            f"weights must have the names of the fits ({', '.join(fits)}), not {', '.join(weights)}"
        )
    try:
        values = np.array([float(weights[name]) for name in fits])
    except (TypeError, ValueError):
        raise BayesdenseError(f"weights must be numbers, not {dict(weights)!r}") from None
    if not np.isfinite(values).all() or (values < 0).any() or not values.sum() > 0:
        raise BayesdenseError("weights must be finite, not negative, and not all zero")
    shares = dict(zip(fits, values / values.sum(), strict=True))
    kept = {name: share for name, share in shares.items() if share > SMALLEST_WEIGHT}
    return {name: share / sum(kept.values()) for name, share in kept.items()}
