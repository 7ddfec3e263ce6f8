"""Scores with models in rows and benchmarks in columns, arranged as the tables of a dataset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesdense.data.known_benchmarks import benchmarks_named
from bayesdense.errors import DataError, near_match

__all__ = ["frames_of_wide"]


def frames_of_wide(
    frame: pd.DataFrame,
    *,
    models: pd.DataFrame,
    benchmarks: pd.DataFrame | None,
    names: Mapping[str, str] | None,
    percent: bool,
    harness: str,
    source: str,
) -> dict[str, pd.DataFrame]:
    """Arrange a wide table of scores as the tables of a dataset.

    Parameters
    ----------
    frame, models, benchmarks, names, percent, harness, source
        As for `Dataset.from_wide`.

    Returns
    -------
    dict of str to pandas.DataFrame
        By table; cells without a score are no rows.

    Raises
    ------
    DataError
        If a model or benchmark is not known, or a cell is no number.
    """
    for what, table in (("frame", frame), ("models", models)):
        if not isinstance(table, pd.DataFrame):
            raise DataError(f"{what} is a {type(table).__name__}; allowed is a DataFrame.")
    wide, about = _by_model(frame, "frame"), _by_model(models, "models")
    strange = [name for name in wide.index if name not in about.index]
    if strange:
        raise DataError(
            f"frame: the model {strange[0]!r} is not in models: "
            f"{near_match(strange[0], about.index)}"
        )
    names = dict(names or {})
    unused = [name for name in names if name not in wide]
    if unused:
        raise DataError(
            f"names: frame has no column {unused[0]!r}: {near_match(unused[0], wide.columns)}"
        )
    columns = {column: names.get(column, column) for column in map(str, wide.columns)}
    table, known = benchmarks_named(columns.values(), benchmarks, where="frame")
    long = _numbers(wide).rename_axis(columns="benchmark")
    scores = long.reset_index().melt("model", value_name="score").dropna(subset=["score"])
    _check_range(scores, percent)
    scores["score"] /= 100 if percent else 1
    scores["benchmark"] = scores["benchmark"].map(columns).map(known)
    return {
        "models": about.reset_index(),
        "benchmarks": table,
        "scores": scores.assign(harness=harness, source=source),
    }


def _by_model(table: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return a table by the names of its models, which are its index or its column 'model'."""
    found = table.set_index("model") if "model" in table else table.copy()
    found.index.name = "model"
    numbers = [name for name in found.index if not isinstance(name, str)]
    if numbers:
        raise DataError(
            f"{what}: names of models are its index or its column 'model', and {numbers[0]!r} is "
            "no name"
        )
    if found.index.has_duplicates:
        twice = found.index[found.index.duplicated()][0]
        raise DataError(f"{what}: the model {twice!r} is there twice; allowed is one row for each")
    return found


def _numbers(wide: pd.DataFrame) -> pd.DataFrame:
    """Return the cells as numbers; what is none is named."""
    found = wide.apply(pd.to_numeric, errors="coerce")
    rows, columns = np.nonzero((found.isna() & wide.notna()).to_numpy())
    if len(rows):
        cell = wide.iloc[rows[0], columns[0]]
        where = f"frame: {wide.columns[columns[0]]} of {wide.index[rows[0]]!r}"
        raise DataError(
            f"{where} is {cell!r}; allowed is a number, or an empty cell where there is no score"
        )
    return found


def _check_range(scores: pd.DataFrame, percent: bool) -> None:
    """Refuse scores that are in per cent where fractions are read, or the other way round."""
    if not len(scores):
        raise DataError("frame: there is no score in it")
    top = scores.iloc[int(scores["score"].to_numpy().argmax())]
    if percent and top["score"] <= 1:
        raise DataError(
            f"frame: percent=True, but no score is above 1 (the largest is {top['score']:g}): "
            "fractions are read with percent=False"
        )
    if not percent and 1 < top["score"] <= 100:
        raise DataError(
            f"frame: {top['benchmark']} of {top['model']!r} is {top['score']:g}, and fractions are "
            "from 0 to 1: percentages are read with percent=True"
        )
