"""Read single cells: text of a file or values of a frame, never by guessing.

Each function takes the raw values of one column and returns an array of the
same length together with what is wrong, by position. A missing cell (empty
text, None, NaN, NaT) is not wrong here: whether it may be missing is for the
schema to say.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = [
    "DAYS_PER_YEAR",
    "SPREADSHEET_DAY_ZERO",
    "as_text",
    "infer_extra",
    "is_missing",
    "parse_bools",
    "parse_dates",
    "parse_numbers",
    "parse_text",
]

DAYS_PER_YEAR = 365.25
"""Days of a year, in which rates and dates are measured; a month is a twelfth of it."""

SPREADSHEET_DAY_ZERO = dt.date(1899, 12, 30)
"""The day that a spreadsheet's number 0 stands for, for all days after February 1900."""

Faults = dict[int, str]
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Spreadsheets and pandas write days as midnights; without a time zone that is the day itself.
_ISO_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})([T ]00:00(:00(\.0+)?)?)?", re.ASCII)
_NOT_A_VALUE = {"nan", "na", "n/a", "none", "null", "nat", "-", "?"}


def is_missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, NaT, pandas.NA or text of blanks.

    Examples
    --------
    >>> [is_missing(v) for v in (None, float("nan"), "  ", "NA", 0)]
    [True, True, True, False, False]
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, float | np.floating | np.datetime64) and bool(pd.isna(value))


def parse_numbers(values: Sequence[Any]) -> tuple[NDArray[np.float64], Faults]:
    """Read numbers; a missing cell becomes NaN.

    Examples
    --------
    >>> parse_numbers(["7e9", "", "7B"])[1]
    {2: 'is not a number'}
    """
    parsed = np.full(len(values), np.nan)
    faults: Faults = {}
    for i, value in enumerate(values):
        if is_missing(value):
            continue
        if isinstance(value, str):
            text = value.strip()
            if _NUMBER.fullmatch(text):
                parsed[i] = float(text)
            elif text.casefold() in _NOT_A_VALUE:
                faults[i] = "is not a number (a missing value is an empty cell)"
                continue
            elif text.casefold().lstrip("+-") in {"inf", "infinity"}:
                faults[i] = "is not finite"
                continue
            else:
                faults[i] = "is not a number"
                continue
        elif isinstance(value, bool | np.bool_):
            faults[i] = "is not a number"
            continue
        else:
            try:
                parsed[i] = float(value)
            except (TypeError, ValueError, OverflowError):
                faults[i] = "is not a number"
                continue
        if np.isinf(parsed[i]):
            faults[i] = "is not finite"
            parsed[i] = np.nan
    return parsed + 0.0, faults  # + 0.0 turns -0.0 into 0.0, which would have its own digest


def parse_bools(values: Sequence[Any]) -> tuple[list[bool | None], Faults]:
    """Read true and false; 0 and 1 are not taken, they may be counts.

    Examples
    --------
    >>> parse_bools(["True", "false", "", "yes"])
    ([True, False, None, None], {3: 'is not true or false'})
    """
    parsed: list[bool | None] = []
    faults: Faults = {}
    for i, value in enumerate(values):
        result: bool | None = None
        if isinstance(value, bool | np.bool_):
            result = bool(value)
        elif isinstance(value, str) and value.strip().casefold() in {"true", "false"}:
            result = value.strip().casefold() == "true"
        elif not is_missing(value):
            faults[i] = "is not true or false"
        parsed.append(result)
    return parsed, faults


def parse_dates(values: Sequence[Any]) -> tuple[NDArray[np.datetime64], Faults]:
    """Read ISO days, also midnights without a time zone, as text or as date objects.

    Examples
    --------
    >>> parse_dates(["2023-07-18 00:00:00", "2023-07-18T12:30:00"])[1]
    {1: 'is not a day'}
    >>> parse_dates(["2023-07-18", "", "18.7.2023"])[1]
    {2: 'is not a day'}
    """
    parsed = np.full(len(values), np.datetime64("NaT", "us"), dtype="datetime64[us]")
    faults: Faults = {}
    for i, value in enumerate(values):
        if is_missing(value):
            continue
        day = _as_day(value)
        if day is None:
            faults[i] = "is not a day"
        else:
            parsed[i] = np.datetime64(day, "us")
    return parsed, faults


def _as_day(value: Any) -> dt.date | None:
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    written = _ISO_DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if written:
        try:
            return dt.date.fromisoformat(written[1])
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        midnight = value.tzinfo is None and value == dt.datetime(value.year, value.month, value.day)
        return dt.date(value.year, value.month, value.day) if midnight else None
    return value if isinstance(value, dt.date) else None


def parse_text(values: Sequence[Any], *, strict: bool) -> tuple[list[str], Faults]:
    """Read text; a missing cell becomes the empty string.

    Parameters
    ----------
    values : sequence
        Raw cells.
    strict : bool
        Whether blanks around the text are wrong, as they are in a name.

    Returns
    -------
    list of str, dict of int to str
        The text, and what is wrong by position.

    Examples
    --------
    >>> parse_text(["MMLU", "MMLU "], strict=True)[1]
    {1: 'has blanks around it'}
    """
    parsed: list[str] = []
    faults: Faults = {}
    for i, value in enumerate(values):
        if is_missing(value):
            parsed.append("")
            continue
        if not isinstance(value, str):
            faults[i] = "is not text"
            parsed.append(str(value))
            continue
        if not value.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs"} for c in value):
            faults[i] = "holds a line break or another control character"
        elif strict and value != value.strip():
            faults[i] = "has blanks around it"
        parsed.append(value)
    return parsed, faults


def as_text(value: Any) -> str:
    """Return a typed cell of a spreadsheet or a parquet file as a CSV file would have it.

    Examples
    --------
    >>> [as_text(v) for v in (7e9, 0.45, True, dt.datetime(2024, 6, 1), None)]
    ['7000000000', '0.45', 'true', '2024-06-01', '']
    """
    if is_missing(value):
        return value if isinstance(value, str) else ""
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float | np.floating):
        number = float(value)
        if number.is_integer() and abs(number) < 1e15:
            return str(int(number))
    if isinstance(value, dt.datetime):
        day = _as_day(value)
        return value.isoformat(sep=" ") if day is None else day.isoformat()
    # Of a float32, str gives the shortest number that is the same float32: 0.45, as was meant.
    return str(value)


def infer_extra(values: Sequence[str]) -> pd.Series[Any]:
    """Give a column that the schema does not know the type all its cells share.

    Examples
    --------
    >>> infer_extra(["True", "False"]).dtype, infer_extra(["1", ""]).dtype
    (dtype('bool'), dtype('float64'))
    """
    filled = [v for v in values if v]
    if filled and all(_NUMBER.fullmatch(v) for v in filled):
        return pd.Series([float(v) if v else np.nan for v in values])
    if filled and len(filled) == len(values) and set(filled) <= {"True", "False", "true", "false"}:
        return pd.Series([v.casefold() == "true" for v in values])
    return pd.Series(list(values), dtype="str")
