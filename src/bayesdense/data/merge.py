"""Merge scores of one cell that are the same figure, printed with small differences."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from bayesdense.data.select import is_number
from bayesdense.errors import DataError

__all__ = ["merge_near_scores"]

# Harness that collects single reports: it names no protocol, so any other one is more specific.
UNSPECIFIC = "vendor"
# 0.501 - 0.5 is a little above 0.001 in floating point.
SLACK = 1e-9


def merge_near_scores(scores: pd.DataFrame, *, tolerance: float = 0.001) -> pd.DataFrame:
    """Merge near-equal scores of one model on one benchmark.

    Reports quote one another, so nearly equal figures are rarely independent
    measurements. Within a cell, scores are taken in ascending order; each
    joins the first group whose lowest score is at most `tolerance` below it
    and with which it agrees on harness and shots, or opens a group.

    Parameters
    ----------
    scores : pandas.DataFrame
        A validated scores table; it stays as it is.
    tolerance : float
        Largest difference within a group, as a fraction (0.001 is 0.1 point).

    Returns
    -------
    pandas.DataFrame
        One row for each group, at the place of its first row: the mean score
        weighted by ``n_sources``, the sum of ``n_sources``, the harness that
        is not ``"vendor"`` where there is one, and the sources joined by
        ``"; "``. Other columns keep the first row's value. Two harnesses
        other than ``"vendor"`` are never merged, nor are two stated numbers
        of shots or of items.

    Raises
    ------
    DataError
        When the tolerance is not a number from 0 up to, but not including, 1.

    Examples
    --------
    >>> scores = pd.DataFrame({"model": "a", "benchmark": "b", "score": [0.5, 0.5004],
    ...     "harness": ["vendor", "qwen"], "shots": [float("nan")] * 2, "n_items": [100.0] * 2,
    ...     "n_sources": [1, 3], "source": ["report", "blog"]})
    >>> merge_near_scores(scores)[["score", "harness", "n_sources", "source"]]
        score harness  n_sources        source
    0  0.5003    qwen          4  report; blog
    """
    if not is_number(tolerance) or not 0 <= tolerance < 1:
        raise DataError(f"tolerance={tolerance!r}: allowed is a fraction from 0 up to 1, as 0.001.")
    groups: list[list[int]] = []
    rows = scores.to_dict("records")
    for positions in scores.groupby(["model", "benchmark"], sort=False).indices.values():
        order = sorted(positions, key=lambda i: (rows[i]["score"], str(rows[i]["source"])))
        groups += _group(order, rows, float(tolerance))
    merged = [_merge(sorted(group), rows) for group in sorted(groups, key=min)]
    if len(merged) == len(rows):
        return scores.copy()
    result = pd.DataFrame(merged, columns=scores.columns)
    return result.astype(dict(scores.dtypes))


def _group(order: list[int], rows: list[dict[Any, Any]], tolerance: float) -> list[list[int]]:
    groups: list[list[int]] = []
    for i in order:
        for group in groups:
            near = rows[i]["score"] - rows[group[0]]["score"] <= tolerance + SLACK
            if near and _agree([rows[j] for j in [*group, i]]):
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def _agree(rows: list[dict[Any, Any]]) -> bool:
    harnesses = {row["harness"] for row in rows} - {UNSPECIFIC}
    shots = {row["shots"] for row in rows if not math.isnan(row["shots"])}
    items = {row["n_items"] for row in rows}
    return len(harnesses) <= 1 and len(shots) <= 1 and len(items) == 1


def _merge(group: list[int], rows: list[dict[Any, Any]]) -> dict[Any, Any]:
    members = [rows[i] for i in group]
    if len(members) == 1:
        return members[0]
    weights = [row["n_sources"] for row in members]
    total = sum(weights)
    weighted = math.fsum(row["score"] * w for row, w in zip(members, weights, strict=True))
    specific = [row["harness"] for row in members if row["harness"] != UNSPECIFIC]
    stated = [row["shots"] for row in members if not math.isnan(row["shots"])]
    return {
        **members[0],
        "score": min(max(weighted / total, 0.0), 1.0),  # rounding only: the mean is in between
        "harness": specific[0] if specific else UNSPECIFIC,
        "shots": stated[0] if stated else math.nan,
        "n_sources": total,
        "source": "; ".join(str(row["source"]) for row in members),
    }
