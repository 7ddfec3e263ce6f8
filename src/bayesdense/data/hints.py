"""Say how to mend a cell or a column, where what was probably meant can be told.

Nothing is changed here and nothing guessed: a hint is the end of a message
about a cell that is refused. Each is a fixed text, followed by the first cell
of its kind written as it should be, so that equal faults have equal messages.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesdense.data.cells import SPREADSHEET_DAY_ZERO
from bayesdense.data.schema import NEAR_NAMES, SIZE, TOKENS, Column, TableSchema, squash

__all__ = ["cell_hints", "column_hint", "misplaced_columns", "rule_faults", "score_faults"]

Floats = NDArray[np.float64]
# What is wrong, and the cell as it should be written, where that is certain.
Hint = tuple[str, str]

_EMPTY = "an unknown value is an empty cell"
_UNITS = {
    **dict.fromkeys(("k", "thousand"), 1e3),
    **dict.fromkeys(("m", "mn", "mio", "million"), 1e6),
    **dict.fromkeys(("b", "bn", "g", "billion"), 1e9),
    **dict.fromkeys(("t", "tn", "trillion"), 1e12),
}
_WITH_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_PRODUCT = re.compile(r"\d+\s*[x×*]\s*\d+(\.\d+)?\s*[a-z]*")
_PERCENT = re.compile(r"([+-]?\d*[.,]?\d+)\s*%")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?P<by>[,.' _\u00a0\u2019\u202f])\d{3}((?P=by)\d{3})*")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_RATIO = re.compile(r"(\d+)\s*/\s*(\d+)")
_LEADING = re.compile(r"(\d+)[\s-]*(shots?|items?|questions?|samples?)")
_ABOUT = re.compile(r"(~|≈|<|>|≤|≥|about|approx\.?|ca\.?|circa)\s*\d.*")
_SEVERAL = re.compile(r"[\d.]+\s*(±|\+/-|\+-|-|–|—|to|\()\s*[\d.]+.*")
_YEAR_LAST = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2,4}")
_YEAR_FIRST = re.compile(r"(\d{4})[-/._ ](\d{1,2})[-/._ ](\d{1,2})")
_EIGHT_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")
_NO_DAY = re.compile(r"\d{4}([-/ .]?(q[1-4]|h[12]|\d{1,2}))?|[a-z]{3,9}\.?,? \d{4}|q[1-4] \d{4}")
_WITH_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]\d{1,2}(:\d{2})?.*")


def cell_hints(column: Column, values: Sequence[Any], faults: Mapping[int, str]) -> dict[int, str]:
    """Add to each fault how the cell is mended.

    Parameters
    ----------
    column : Column
        The column.
    values : sequence
        Its raw cells.
    faults : mapping of int to str
        What is wrong, by position.

    Returns
    -------
    dict of int to str
        The same with hints.

    Examples
    --------
    >>> from bayesdense.data.schema import SCHEMA
    >>> size = next(c for c in SCHEMA["models"].columns if c.name == "n_params")
    >>> cell_hints(size, ["7B", "13B"], {0: "is not a number", 1: "is not a number"})[1]
    "is not a number: it has a unit; write 7000000000 for '7B'"
    """
    of_kind: dict[str, Callable[[Any, Column], Hint | None]] = {
        "number": _number_hint,
        "date": _date_hint,
        "bool": _bool_hint,
    }
    explain = of_kind.get(column.kind)
    found: dict[int, tuple[str, str]] = {}
    examples: dict[str, str] = {}
    for at in sorted(faults):
        fault, what = faults[at], ""
        if fault == "is missing":
            what = column.if_missing
        elif fault.startswith("is not a number (") and column.if_missing:
            fault, what = "is not a number", f"it stands for a missing one, {column.if_missing}"
        elif explain and fault in ("is not a number", "is not a day", "is not true or false"):
            what, example = explain(values[at], column) or ("", "")
            if example:
                examples.setdefault(what, f"; write {example} for {_quoted(values[at])}")
        found[at] = fault, what
    return {
        at: f"{fault}: {what}{examples.get(what, '')}" if what else fault
        for at, (fault, what) in found.items()
    }


def _quoted(value: Any) -> str:
    text = str(value)
    return f"'{text if len(text) <= 30 else text[:27] + '...'}'"


def _plain(number: float) -> str:
    """Return a number as one would write it in a table.

    Examples
    --------
    >>> _plain(7e9), _plain(0.503)
    ('7000000000', '0.503')
    """
    return str(int(number)) if number == int(number) and abs(number) < 1e16 else f"{number:.10g}"


def _number_hint(value: Any, column: Column) -> Hint | None:
    if not isinstance(value, str):
        return None
    text = value.strip()
    low = text.casefold()
    fraction = column.unit == "fraction"
    if text.startswith("#"):
        return "it is an error of the spreadsheet, mend the formula", ""
    percent = _PERCENT.fullmatch(text)
    if percent:
        example = _plain(float(percent[1].replace(",", ".")) / 100) if fraction else ""
        return "it has a percent sign, divide by 100", example
    if _THOUSANDS.fullmatch(text) and not (
        _DECIMAL_COMMA.fullmatch(text) and (fraction or text.lstrip("+-").startswith("0,"))
    ):
        return "it has separators of thousands", re.sub(r"[^\d+-]", "", text)
    if _DECIMAL_COMMA.fullmatch(text):
        return "it has a decimal comma, which must be a point", text.replace(",", ".")
    ratio = _RATIO.fullmatch(text)
    if ratio and int(ratio[2]):
        return "it is a ratio", _plain(int(ratio[1]) / int(ratio[2]))
    return _words_hint(low, column)


def _words_hint(low: str, column: Column) -> Hint | None:
    """Return the hint for a number with words or signs beside it."""
    with_unit = _WITH_UNIT.fullmatch(low)
    if with_unit and with_unit[2] in _UNITS:
        return (
            "it has a unit",
            _plain(float(with_unit[1]) * _UNITS[with_unit[2]]),
        )
    if _PRODUCT.fullmatch(low):
        return "it is a product, write the number of all parameters", ""
    leading = _LEADING.fullmatch(low)
    if leading:
        return "it has a word beside it", leading[1]
    if _ABOUT.fullmatch(low):
        more = "" if column.required else ", or leave the cell empty"
        return f"it has a sign or word for 'about', write the number alone{more}", ""
    if _SEVERAL.fullmatch(low):
        return "it holds more than one number, write one", ""
    return None if column.required else (_EMPTY, "")


def _date_hint(value: Any, column: Column) -> Hint | None:
    if isinstance(value, dt.datetime | np.datetime64):
        text = str(value)
    elif isinstance(value, int | float) and math.isfinite(value) and value == int(value):
        text = str(int(value))
    elif isinstance(value, str):
        text = value.strip()
    else:
        return None
    timed = _WITH_TIME.fullmatch(text)
    if timed:
        return "it has a time or a time zone, keep the day only", timed[1]
    counted = _counted_day(text)
    if counted:
        return counted
    first = _YEAR_FIRST.fullmatch(text) or _EIGHT_DIGITS.fullmatch(text)
    if first:
        day = _day(*(int(part) for part in first.groups()))
        what = "it must be year-month-day with two hyphens"
        return (what, day) if day and day != text else ("no calendar has it", "")
    if _YEAR_LAST.fullmatch(text):
        return "day and month cannot be told apart, write the year first, as in 2024-06-01", ""
    if _NO_DAY.fullmatch(text.casefold()):
        return "it says no day, write one, as in 2024-06-01, or leave the cell empty", ""
    if not re.search(r"\d", text):
        return _EMPTY, ""
    return "write year-month-day in digits, as in 2024-06-01", ""


def _counted_day(text: str) -> Hint | None:
    """Return the hint for days of a spreadsheet and for seconds since 1970."""
    whole = re.sub(r"\.\d*$", "", text)
    if not whole.isascii() or not whole.isdigit():
        return None
    number = int(whole)
    # Of the years 1990 to 2099.
    if 32874 <= number <= 73050:
        day = (SPREADSHEET_DAY_ZERO + dt.timedelta(days=number)).isoformat()
        return "it is how spreadsheets count days, format the column as year-month-day", day
    if len(whole) in (10, 13):
        seconds = number / (1000 if len(whole) == 13 else 1)
        day = dt.datetime.fromtimestamp(seconds, tz=dt.UTC).date().isoformat()
        return "it counts seconds or milliseconds since 1970", day
    return None


def _day(year: int, month: int, day: int) -> str:
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return ""


def _bool_hint(value: Any, column: Column) -> Hint | None:
    text = str(value).strip().casefold()
    if text in {"0", "1", "0.0", "1.0"}:
        return "write true for 1 and false for 0", ""
    for yes, no in (("yes", "no"), ("y", "n"), ("t", "f"), ("wahr", "falsch"), ("vrai", "faux")):
        if text in (yes, no):
            return f"write true for {yes} and false for {no}", ""
    return f"an empty cell means {str(column.default).casefold()}", ""


def rule_faults(column: Column, parsed: Floats) -> dict[int, str]:
    """Say which finite numbers break the rule of their column, and in which unit they may be.

    Parameters
    ----------
    column : Column
        A column with a rule.
    parsed : ndarray of float
        Its numbers; NaN where there is none.

    Returns
    -------
    dict of int to str
        What is wrong, by position.

    Examples
    --------
    >>> from bayesdense.data.schema import SCHEMA
    >>> size = next(c for c in SCHEMA["models"].columns if c.name == "n_params")
    >>> rule_faults(size, np.array([7e9, 7.0]))
    {1: 'is below 1,000, which looks like billions: multiply by 1e9'}
    """
    rule = column.rule
    if rule is None:
        return {}
    with np.errstate(invalid="ignore"):
        broken = ~np.isnan(parsed) & ~rule.holds(parsed)
    faults = {int(at): "is not allowed" for at in np.flatnonzero(broken)}
    small = parsed[broken & (parsed > 0)]
    for at in faults:
        value = parsed[at]
        if rule in (SIZE, TOKENS) and value == 0:
            faults[at] = f"is 0: {column.if_missing or _EMPTY}"
        elif rule is SIZE and value > 0:
            faults[at] = "is below 1,000, which looks like billions: multiply by 1e9"
        elif rule is TOKENS and value > 0:
            faults[at] = f"is below 1,000,000, which looks like {_token_unit(small)}"
        elif column.name == "chance" and 1 < value <= 100:
            faults[at] = "is above 1, which looks like percent: divide by 100"
        elif column.name == "loss" and value < 0:
            faults[at] = "is below 0, as log likelihoods are: change the sign"
    return faults


def _token_unit(small: Floats) -> str:
    """Return the unit that numbers of tokens below a million are in, by the largest of them."""
    # No model is trained on 100 trillion tokens, and hardly one on less than a billion.
    if small.max() <= 50:
        return "trillions: multiply by 1e12"
    if small.max() >= 1000:
        return "billions: multiply by 1e9"
    return "billions or trillions: multiply by 1e9 or 1e12"


def score_faults(parsed: Floats, groups: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """Say which scores are above 1, and of what all of them are percentages.

    Parameters
    ----------
    parsed : ndarray of float
        Scores; NaN where there is none.
    groups : mapping of str to sequence of str
        Benchmarks and sources of the scores, by what messages call them.

    Returns
    -------
    dict of int to str
        What is wrong, by position.

    Examples
    --------
    >>> benchmarks = {"on benchmark": ["MMLU", "MMLU", "BBH", "BBH"]}
    >>> score_faults(np.array([0.5, 0.6, 48.0, 51.0]), benchmarks)[2]
    "is above 1, as most scores on benchmark 'BBH' are, which looks like percent: divide by 100"
    """
    known = ~np.isnan(parsed)
    above = known & (parsed > 1)
    faults: dict[int, str] = {}
    if not above.any():
        return faults
    for name, labels in groups.items():
        members: dict[str, list[int]] = {}
        for at in np.flatnonzero(known).tolist():
            members.setdefault(labels[at], []).append(at)
        scales = {label: _scale(parsed[places]) for label, places in members.items()}
        # One sentence where all scores are in percent, one for each benchmark where some are.
        every = set(scales.values()) == {_PERCENT_SCALE}
        for label, places in members.items():
            # A source of one or two scores is no evidence of a unit.
            if name == "of source" and len(places) < 3:
                continue
            whose = "scores are" if every else f"scores {name} '{label}' are"
            if scales[label]:
                text = f"is above 1, as most {whose}, which looks like {scales[label]}"
                # What benchmarks have explained, sources do not explain again.
                faults = {at: text for at in places if above[at]} | faults
    for at in np.flatnonzero(above).tolist():
        in_percent = "; if in percent, divide by 100" if 10 < parsed[at] <= 100 else ""
        faults.setdefault(at, f"is above 1{in_percent}")
    return faults


_PERCENT_SCALE = "percent: divide by 100"


def _scale(scores: Floats) -> str:
    """Return what scores look like that are mostly above 1; empty where it cannot be told."""
    largest = float(scores.max())
    if 2 * np.count_nonzero(scores > 1) <= len(scores):
        return ""
    if largest > 100:
        return "no share of items solved: leave the benchmark out"
    if largest > 10:
        return _PERCENT_SCALE
    if len(scores) == 1:
        return ""
    # A rating of 1 to 10, or percentages that are all low.
    return "points or percent: divide by the highest score that is possible"


def column_hint(schema: TableSchema, missing: str, names: Sequence[str]) -> str:
    """Say which of the other columns may be a missing one; empty where none is.

    Examples
    --------
    >>> from bayesdense.data.schema import SCHEMA
    >>> column_hint(SCHEMA["models"], "n_params", ["model", "params"])
    "rename 'params' to 'n_params' if it holds that"
    """
    near = {squash(name) for name in NEAR_NAMES.get(missing, ())}
    found = [n for n in names if n not in schema.column_names and squash(n) in near]
    return f"rename '{found[0]}' to '{missing}' if it holds that" if found else ""


def misplaced_columns(schema: TableSchema, names: Sequence[str]) -> list[str]:
    """Return sentences on columns that are not read, and have a name near one that is.

    Examples
    --------
    >>> from bayesdense.data.schema import SCHEMA
    >>> misplaced_columns(SCHEMA["models"], ["model", "n_params", "tokens"])
    ["models: column 'tokens' is not read; rename it to 'n_tokens' if it holds that."]
    """
    absent = [c.name for c in schema.columns if not c.required and c.name not in names]
    sentences = []
    for column in absent:
        near = {squash(name) for name in NEAR_NAMES.get(column, ())}
        for name in names:
            if name not in schema.column_names and squash(name) in near:
                sentences.append(
                    f"{schema.name}: column '{name}' is not read; rename it to '{column}' if it "
                    "holds that."
                )
    return sentences
