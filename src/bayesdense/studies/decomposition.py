"""Which of several crossed choices moves an answer most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bayesdense.tables.growth import doubling_months

__all__ = ["decompose"]


def decompose(
    choices: Mapping[str, Sequence[str]],
    specifications: Sequence[Mapping[str, str]],
    draws: Sequence[np.ndarray],
) -> pd.DataFrame:
    """Split the variance of the median growth rate over specifications.

    Effects of single choices are fitted by least squares to the medians, so
    that combinations that failed leave the others comparable; the share of a
    choice is what its effects take off when it enters last, and what no
    single choice explains is that of choices together.

    Parameters
    ----------
    choices : mapping of str to sequence of str
        Options by choice.
    specifications : sequence of mapping
        The option of each choice.
    draws : sequence of numpy.ndarray, shape (draw,)
        Growth rates per year; empty where a specification failed.

    Returns
    -------
    pandas.DataFrame
        As `Study.decomposition` describes it.
    """
    there = [i for i, values in enumerate(draws) if len(values)]
    median = np.array([np.median(draws[i]) for i in there])
    within = float(np.mean([np.var(draws[i]) for i in there])) if there else np.nan
    columns = {
        name: np.array(
            [[float(specifications[i][name] == option) for option in options[1:]] for i in there]
        ).reshape(len(there), len(options) - 1)
        for name, options in choices.items()
    }
    total = float(np.sum((median - median.mean()) ** 2)) if there else np.nan
    everything = _rest(list(columns.values()), median)
    rows = []
    for name, options in choices.items():
        others = [value for other, value in columns.items() if other != name]
        taken = max(_rest(others, median) - everything, 0.0)
        means = [
            float(
                np.mean(
                    [
                        m
                        for i, m in zip(there, median, strict=True)
                        if specifications[i][name] == option
                    ]
                )
            )
            for option in options
            if any(specifications[i][name] == option for i in there)
        ]
        months = [doubling_months(rate) for rate in means]
        rows.append(
            {
                "source": name,
                "variance": taken / max(len(there), 1),
                "share": taken / total if total > 0 else np.nan,
                "range_months": max(months) - min(months) if len(months) > 1 else 0.0,
            }
        )
    table = pd.DataFrame(rows).sort_values("share", ascending=False, ignore_index=True)
    more = [
        ("choices together", everything / max(len(there), 1), everything / total if total else 0.0),
        ("within a specification", within, np.nan),
    ]
    rest = pd.DataFrame(
        [{"source": s, "variance": v, "share": p, "range_months": np.nan} for s, v, p in more]
    )
    return pd.concat([table, rest], ignore_index=True)


def _rest(columns: list[np.ndarray], values: np.ndarray) -> float:
    """Return the sum of squares that effects of these columns leave."""
    design = np.column_stack([np.ones(len(values)), *columns])
    fitted = design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return float(np.sum((values - fitted) ** 2))
