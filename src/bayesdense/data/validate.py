"""Check four tables against the schema, and complete them.

Every problem is collected before one `DataError` is raised, so that a user
mends a folder in one round.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.data.cells import parse_bools, parse_dates, parse_numbers, parse_text
from bayesdense.data.hints import (
    cell_hints,
    column_hint,
    misplaced_columns,
    rule_faults,
    score_faults,
)
from bayesdense.data.schema import SCHEMA, Column, TableSchema, squash
from bayesdense.data.tables import Tables
from bayesdense.errors import BayesdenseWarning, DataError, Problem, near_match

__all__ = ["validate_tables"]

# A day outside is a slip: 0023 for 2023.
FIRST_DAY, AFTER_LAST_DAY = np.datetime64("1990-01-01"), np.datetime64("2100-01-01")

MAX_NAMES_APART = 3
MAX_KNOWN_SHOWN = 8
MAX_NAMES_SEARCHED = 30


class _Checked:
    """One table while it is being checked: finished columns and what is wrong."""

    def __init__(self, schema: TableSchema, frame: pd.DataFrame, lines: Sequence[int] | None):
        self.schema = schema
        self.raw = frame
        self.row_label = "line" if lines is not None else "row"
        self.labels = list(lines) if lines is not None else list(frame.index)
        self.problems: list[Problem] = []
        self.done: dict[str, Any] = {}

    def add(
        self,
        column: str | None,
        message: str,
        at: int | None = None,
        value: Any = None,
        kind: str = "",
    ) -> None:
        """Note one problem, at a position of the table or for the whole column."""
        row = None if at is None else self.labels[at]
        if row is not None and not isinstance(row, int | str):
            row = int(row) if isinstance(row, np.integer) else str(row)
        self.problems.append(
            Problem(self.schema.name, row, column, value, message, self.row_label, kind)
        )

    def raw_value(self, column: str, at: int) -> Any:
        """Return the cell as the user wrote it, as a plain Python value."""
        value = self.raw[column].iloc[at]
        return value.item() if isinstance(value, np.generic) else value


def validate_tables(
    tables: Mapping[str, pd.DataFrame | None],
    *,
    lines: Mapping[str, Sequence[int]] | None = None,
    where: str = "the data",
) -> Tables:
    """Check the tables and fill in the defaults.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        ``models``, ``benchmarks``, ``scores`` and, where there are any,
        ``losses``. Cells may be text, as read from a file, or typed values.
        Other tables and other columns are allowed; the columns are kept.
    lines : mapping of str to sequence of int, optional
        Line of the file that each row came from; the header is line 1.
        Without it, problems name index labels.
    where : str
        What is being checked, for the message.

    Returns
    -------
    Tables
        New frames with every column of the schema, the schema's first, then
        the others as they came. Counts are float64, ``release_date`` is
        datetime64, flags are bool, missing text is ``""``.

    Raises
    ------
    DataError
        With all problems: missing tables and columns, empty tables, values
        that are not allowed, duplicate keys, names that the models or
        benchmarks table does not have, and loss sets in more than one unit.
        A loss set that no benchmark names is allowed, and so are empty
        benchmarks and scores tables where there are losses: that is enough
        for a loss law.

    Notes
    -----
    A row of ``scores`` is identified by model, benchmark and source. A source
    that prints two figures for one cell (two harnesses, two numbers of shots)
    is therefore written as two sources, such as ``"report, 0-shot"``.

    Examples
    --------
    >>> models = pd.DataFrame({"model": ["a"], "n_params": [7e9]})
    >>> benchmarks = pd.DataFrame({"benchmark": ["MMLU"], "n_items": [14042], "chance": [0.25]})
    >>> scores = pd.DataFrame({"model": ["a"], "benchmark": ["MMLU"], "score": [0.45]})
    >>> done = validate_tables({"models": models, "benchmarks": benchmarks, "scores": scores})
    >>> done.scores[["harness", "source", "n_items"]]
       harness   source  n_items
    0  default  unknown  14042.0
    """
    checked: dict[str, _Checked] = {}
    problems: list[Problem] = []
    may_be_empty = _may_be_empty(tables)
    for name, schema in SCHEMA.items():
        frame = tables.get(name)
        if frame is None and schema.optional:
            frame = pd.DataFrame(columns=pd.Index(schema.column_names))
        if frame is None:
            message = f"the table is missing; it needs columns {', '.join(schema.required_names)}"
            problems.append(Problem(name, None, None, None, message))
            continue
        table = _Checked(schema, frame, None if lines is None else lines.get(name))
        checked[name] = table
        if _check_columns(table, may_be_empty=name in may_be_empty):
            for column in schema.columns:
                if column.name in frame.columns or not column.required:
                    _check_column(table, column)
            _check_key(table)
    _check_between(checked)
    for table in checked.values():
        problems += table.problems
    if problems:
        raise DataError.from_problems(problems, where=where)
    for table in checked.values():
        for sentence in misplaced_columns(table.schema, [str(c) for c in table.raw.columns]):
            warnings.warn(sentence, BayesdenseWarning, stacklevel=3)
    _fill_score_items(checked["scores"], checked["benchmarks"])
    return Tables(**{name: _finish(table) for name, table in checked.items()})


def _may_be_empty(tables: Mapping[str, pd.DataFrame | None]) -> set[str]:
    """Return the tables that need no rows: losses by themselves make a loss law."""

    def rows(name: str) -> int:
        frame = tables.get(name)
        return 0 if frame is None else len(frame)

    if not rows("losses"):
        return {"losses"}
    return {"losses", "scores"} if rows("scores") else {"losses", "scores", "benchmarks"}


def _check_columns(table: _Checked, *, may_be_empty: bool) -> bool:
    names = [str(c) for c in table.raw.columns]
    schema = table.schema
    for name in dict.fromkeys(n for n in names if names.count(n) > 1):
        table.add(name, "the column is there twice; give each column its own name")
    written = {squash(name): name for name in schema.column_names}
    for name in names:
        plain = written.get(squash(name))
        if plain is not None and name != plain:
            table.add(name, f"the column must be written '{plain}'")
    for name in schema.required_names:
        if name not in names:
            found = ", ".join(names) or "no column at all"
            hint = column_hint(schema, name, names)
            hint = f"{hint}; " if hint else ""
            table.add(name, f"the column is missing; {hint}the table has {found}")
    if not may_be_empty and not len(table.raw) and not table.problems:
        table.add(None, "the table has no rows; at least one is needed")
    # A missing column does not keep the other columns from being checked; two of one name do.
    return len(set(names)) == len(names)


def _check_between(checked: Mapping[str, _Checked]) -> None:
    """Check what takes two columns or two tables, as far as they are there."""
    models, losses = checked.get("models"), checked.get("losses")
    if models is not None and "n_params" in models.done:
        _check_active(models)
    if "scores" in checked and "benchmarks" in checked:
        _check_wide(checked["scores"], checked["benchmarks"])
    if losses is not None and {"loss_set", "unit"} <= set(losses.done):
        _check_units(losses)
    for child, parent, column in (
        ("scores", "models", "model"),
        ("scores", "benchmarks", "benchmark"),
        ("losses", "models", "model"),
    ):
        if child in checked and parent in checked:
            below, above = checked[child], checked[parent]
            if column in below.done and len(above.done.get(column, ())):
                _check_known(below, above, column)


def _check_column(table: _Checked, column: Column) -> None:
    if column.name not in table.raw.columns:
        values: list[Any] = [None] * len(table.raw)
    else:
        values = table.raw[column.name].tolist()
    parsed: Any
    if column.kind == "number":
        parsed, faults = parse_numbers(values)
        missing = np.isnan(parsed)
        faults |= rule_faults(column, parsed)
        if column.name == "score":
            faults |= score_faults(parsed, _labels(table))
    elif column.kind == "date":
        parsed, faults = parse_dates(values)
        missing = np.isnat(parsed)
        strange = ~missing & ~((parsed >= FIRST_DAY) & (parsed < AFTER_LAST_DAY))
        faults |= {int(i): "is not a day of our time" for i in np.flatnonzero(strange)}
    elif column.kind == "bool":
        parsed, faults = parse_bools(values)
        missing = np.array([v is None for v in parsed], dtype=bool)
    else:
        parsed, faults = parse_text(values, strict=column.kind == "name")
        missing = np.array([not v for v in parsed], dtype=bool)
    if column.required:
        faults |= {int(i): "is missing" for i in np.flatnonzero(missing) if int(i) not in faults}
    faults = cell_hints(column, values, faults)
    for at in sorted(faults):
        value = table.raw_value(column.name, at)
        table.add(column.name, f"{faults[at]}; allowed: {column.allowed}", at, value)
    table.done[column.name] = _fill(table, column, parsed, missing)


def _labels(table: _Checked) -> dict[str, list[str]]:
    """Return what scores that are in percent may have in common, in the order to try."""
    labels = {}
    if "benchmark" in table.done:
        labels["on benchmark"] = list(table.done["benchmark"])
    if "source" in table.raw.columns:
        labels["of source"] = [str(value) for value in table.raw["source"]]
    return labels


def _fill(table: _Checked, column: Column, parsed: Any, missing: Any) -> Any:
    """Put defaults into missing cells; a faulty cell only keeps its place."""
    if column.copy_of in table.done:
        parsed = [table.done[column.copy_of][i] if m else parsed[i] for i, m in enumerate(missing)]
    elif column.default is not None:
        parsed = [column.default if m else parsed[i] for i, m in enumerate(missing)]
    if column.kind == "number":
        return np.asarray(parsed, dtype=np.float64)
    return parsed


def _check_key(table: _Checked) -> None:
    key = table.schema.key
    if not all(column in table.done for column in key):
        return
    first: dict[tuple[str, ...], int] = {}
    rows: list[list[str]] = []
    for at, values in enumerate(zip(*(table.done[c] for c in key), strict=True)):
        if not all(values):
            continue
        if values in first:
            other = f"{table.row_label} {table.labels[first[values]]}"
            rows = rows or table.raw.astype("str").to_numpy(dtype=object).tolist()
            if rows[first[values]] == rows[at]:
                repeats, rule = " in every cell", "remove one of them"
            else:
                repeats, rule = " with other values", f"{', '.join(key)} must be unique"
                if table.schema.name == "scores":
                    rule += " (name the sources apart, such as 'report, 0-shot')"
            table.add(
                ", ".join(key),
                f"repeats {other}{repeats}; {rule}",
                at,
                ", ".join(values),
                kind=f"repeats an earlier {table.row_label}{repeats}; {rule}",
            )
        else:
            first[values] = at


def _check_wide(scores: _Checked, benchmarks: _Checked) -> None:
    """Say when scores have one column for each benchmark, which they must not."""
    names = [str(name) for name in scores.raw.columns]
    wide = [name for name in names if name in benchmarks.done.get("benchmark", ())]
    if wide and not {"benchmark", "score"} & set(names):
        shown = ", ".join(wide[:MAX_NAMES_APART]) + (", ..." if len(wide) > MAX_NAMES_APART else "")
        scores.add(
            None,
            f"the columns {shown} are benchmarks; write one row for each score, with model, "
            "benchmark and score, and none where there is no score",
        )


def _check_active(models: _Checked) -> None:
    more = models.done["n_active"] > models.done["n_params"]
    for at in np.flatnonzero(more):
        total = models.done["n_params"][at]
        models.add(
            "n_active",
            f"is more than n_params; allowed: a number above 0 and up to {total:g}",
            int(at),
            models.raw_value("n_active", int(at)),
            kind="is more than n_params; allowed: a number above 0 and up to n_params",
        )


def _check_known(child: _Checked, parent: _Checked, column: str) -> None:
    known = dict.fromkeys(parent.done[column])
    # Names with blanks around them are problems already; without the blanks they are found.
    bare = {name.strip() for name in known}
    unknown = dict.fromkeys(n for n in child.done[column] if n and n.strip() not in bare)
    # A search for each of thousands of names would take minutes.
    hints = {
        name: near_match(name, known, shown=MAX_KNOWN_SHOWN)
        for name in list(unknown)[:MAX_NAMES_SEARCHED]
    }
    others = near_match("", known, shown=MAX_KNOWN_SHOWN)
    where = f"is not in the {parent.schema.name} table"
    # Each of a few names with its near match; of many, how many there are.
    kind = ""
    if len(unknown) > MAX_NAMES_APART:
        first = next(iter(unknown))
        kind = f"{where}, nor are {len(unknown) - 1:,} other names; for '{first}', {hints[first]}"
    for at, name in enumerate(child.done[column]):
        if name in unknown:
            message = f"{where}: {hints.get(name, others)}"
            child.add(column, message, at, name, kind=kind)


def _check_units(losses: _Checked) -> None:
    units: dict[str, tuple[str, int]] = {}
    for at, (loss_set, unit) in enumerate(
        zip(losses.done["loss_set"], losses.done["unit"], strict=True)
    ):
        if not loss_set or not unit:
            continue
        first, where = units.setdefault(loss_set, (unit, at))
        if unit != first:
            place = f"{losses.row_label} {losses.labels[where]}"
            message = f"loss set '{loss_set}' is in '{first}' at {place}; allowed: one unit each"
            losses.add("unit", message, at, unit)


def _fill_score_items(scores: _Checked, benchmarks: _Checked) -> None:
    items = dict(zip(benchmarks.done["benchmark"], benchmarks.done["n_items"], strict=True))
    own = scores.done["n_items"]
    usual = np.array([items[b] for b in scores.done["benchmark"]], dtype=np.float64)
    scores.done["n_items"] = np.where(np.isnan(own), usual, own)


def _finish(table: _Checked) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for column in table.schema.columns:
        values = table.done[column.name]
        if column.kind == "number":
            dtype: Any = "int64" if column.integer else "float64"
        else:
            dtype = {"bool": "bool", "date": "datetime64[us]"}.get(column.kind, "str")
        columns[column.name] = pd.Series(values, dtype=dtype)
    for name in table.raw.columns:
        if name not in columns:
            columns[str(name)] = table.raw[name].reset_index(drop=True)
    return pd.DataFrame(columns)
