"""Read a folder of CSV files, with or without a ``datapackage.json``.

CSV is data: cells are read as text and checked against the schema. Nothing
is unpickled or evaluated, and no path outside the folder is opened.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pandas as pd

from bayesdense.data.cells import infer_extra
from bayesdense.data.dataset import Dataset
from bayesdense.data.schema import SCHEMA, TABLE_NAMES
from bayesdense.data.validate import validate_tables
from bayesdense.data.write import PACKAGE_FILE
from bayesdense.errors import DataError, Problem

__all__ = ["read_dataset", "read_folder", "read_package", "validate"]

_HASHES = ("md5", "sha1", "sha256", "sha512")


def read_dataset(folder: str | os.PathLike[str]) -> Dataset:
    """Read a dataset from a folder of CSV files.

    Parameters
    ----------
    folder : path-like
        With ``models.csv``, ``benchmarks.csv``, ``scores.csv`` and maybe
        ``losses.csv``: comma-separated UTF-8 with a header. Blank lines are
        skipped. A ``datapackage.json`` gives name, description and sources;
        where its resources state ``hash`` or ``bytes``, the files must match.

    Returns
    -------
    Dataset
        Named as the package says, else as the folder is.

    Raises
    ------
    DataError
        With every problem of every table; or the folder is not there.

    Examples
    --------
    >>> import tempfile
    >>> from bayesdense.data import load_dataset
    >>> data = load_dataset("olmo_ladder")
    >>> with tempfile.TemporaryDirectory() as place:
    ...     again = read_dataset(data.to_folder(place + "/copy"))
    >>> again == data
    True
    """
    try:
        path = Path(folder)
    except TypeError:
        raise DataError(f"folder={folder!r}: allowed is the path of a folder.") from None
    if not path.exists():
        raise DataError(f"folder '{path}' does not exist.")
    if not path.is_dir():
        raise DataError(f"'{path}' is a file; allowed is a folder of CSV files.")
    return read_folder(path, where=f"folder '{path}'", name=Path(os.path.abspath(path)).name)


def validate(data: Dataset | str | os.PathLike[str]) -> pd.DataFrame:
    """Check a folder or a dataset, and say what its tables hold.

    Parameters
    ----------
    data : Dataset or path-like
        What to check.

    Returns
    -------
    pandas.DataFrame
        One row for each table: ``table``, ``rows``, ``missing`` (empty cells
        in columns of the schema), ``extra_columns`` (kept, but not used).

    Raises
    ------
    DataError
        With every problem that is found.

    Examples
    --------
    >>> from bayesdense.data import load_dataset
    >>> validate(load_dataset("leaderboard"))["rows"].tolist()
    [147, 6, 859, 0]
    """
    checked = data if isinstance(data, Dataset) else read_dataset(data)
    tables = validate_tables({name: getattr(checked.tables, name) for name in TABLE_NAMES})
    rows = []
    for name, schema in SCHEMA.items():
        frame = getattr(tables, name)
        numbers = [c.name for c in schema.columns if c.kind in ("number", "date")]
        text = [c.name for c in schema.columns if c.kind in ("name", "text")]
        extra = [str(c) for c in frame.columns if c not in schema.column_names]
        missing = int(frame[numbers].isna().sum().sum() + (frame[text] == "").sum().sum())
        rows.append(
            {
                "table": name,
                "rows": len(frame),
                "missing": missing,
                "extra_columns": ", ".join(extra),
            }
        )
    return pd.DataFrame(rows)


def read_folder(
    folder: Traversable, *, where: str, name: str, need_checksums: bool = False
) -> Dataset:
    """Read a dataset from a folder or from package resources.

    Parameters
    ----------
    folder : Traversable
        An existing folder.
    where, name : str
        What to call it in messages, and the name of a dataset that has none.
    need_checksums : bool
        Whether every table must have a checksum in ``datapackage.json``.

    Returns
    -------
    Dataset
        Checked, complete.

    Raises
    ------
    DataError
        With every problem that is found.
    """
    package = read_package(folder, where=where)
    contents = {t: _content(folder, f"{t}.csv") for t in TABLE_NAMES}
    problems = _check_files(package, contents, need=need_checksums)
    if problems:
        raise DataError.from_problems(problems, where=where)
    frames: dict[str, pd.DataFrame | None] = {}
    lines: dict[str, list[int]] = {}
    for table, content in contents.items():
        if content is None:
            if not SCHEMA[table].optional:
                found = sorted(c.name for c in folder.iterdir() if c.name.endswith(".csv"))
                present = ", ".join(found) or "no CSV file"
                message = f"file {table}.csv is missing; the folder has {present}"
                problems.append(Problem(table, None, None, None, message))
            continue
        parsed = _parse_csv(table, content)
        if isinstance(parsed, list):
            problems += parsed
        else:
            frames[table], lines[table] = parsed
    # A file that cannot be read would only add 'missing' to its own message.
    try:
        tables = validate_tables(frames, lines=lines, where=where)
    except DataError as error:
        unread = {problem.table for problem in problems}
        problems += [
            p for p in error.problems if not (p.table in unread and p.row is p.column is None)
        ]
    if problems:
        raise DataError.from_problems(problems, where=where)
    custom = package.get("bayesdense")
    selection = custom.get("selection", []) if isinstance(custom, dict) else []
    return Dataset(
        tables,
        name=str(package.get("name") or name),
        description=str(package.get("description") or ""),
        sources=_mappings(package.get("sources")),
        selection=_mappings(selection),
    )


def read_package(folder: Traversable, *, where: str) -> dict[str, Any]:
    """Return the content of ``datapackage.json``; an empty one where there is none.

    Raises
    ------
    DataError
        When it is not a JSON object in UTF-8.
    """
    content = _content(folder, PACKAGE_FILE)
    if content is None:
        return {}
    try:
        package = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{PACKAGE_FILE} in {where} is not valid JSON: {error}.") from None
    if not isinstance(package, dict):
        raise DataError(f"{PACKAGE_FILE} in {where} must hold a JSON object, {{...}}.")
    return package


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _content(folder: Traversable, name: str) -> bytes | None:
    file = folder.joinpath(name)
    try:
        return file.read_bytes() if file.is_file() else None
    except OSError as error:
        raise DataError(f"file {name} cannot be read: {error.strerror or error}.") from None


def _check_files(
    package: dict[str, Any], contents: dict[str, bytes | None], *, need: bool
) -> list[Problem]:
    problems = []
    # Other packages may have resources of several files, whose path is a list.
    resources = {str(r.get("path")): r for r in _mappings(package.get("resources"))}
    for table, content in contents.items():
        resource = resources.get(f"{table}.csv", {})
        stated = resource.get("hash")
        if content is None:
            if stated:
                message = f"file {table}.csv is missing, but {PACKAGE_FILE} lists it"
                problems.append(Problem(table, None, None, None, message))
            continue
        changed = f"file {table}.csv has changed since {PACKAGE_FILE} was written"
        size = resource.get("bytes")
        if stated is None:
            if need:
                message = f"{PACKAGE_FILE} has no checksum for {table}.csv; it must have one"
                problems.append(Problem(table, None, None, None, message))
        else:
            # As Frictionless has it, a digest without the name of an algorithm is MD5.
            algorithm, _, digest = str(stated).rpartition(":")
            algorithm = algorithm or "md5"
            if algorithm not in _HASHES:
                message = f"{PACKAGE_FILE} states a {algorithm} hash; allowed: {', '.join(_HASHES)}"
                problems.append(Problem(table, None, None, stated, message))
                continue
            actual = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
            if actual != digest.casefold():
                message = f"{changed}: its {algorithm} is {actual}, not {digest}"
                problems.append(Problem(table, None, None, None, message))
                continue
        if size is not None and size != len(content):
            message = f"{changed}: it has {len(content)} bytes, not {size}"
            problems.append(Problem(table, None, None, None, message))
    return problems


def _decoded(table: str, content: bytes) -> str | Problem:
    """Return the text of a file, or what is wrong with it."""
    line = None
    if not content.strip():
        message = f"file {table}.csv is empty; it needs a header and rows"
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = f"file {table}.csv is UTF-16; save it as UTF-8"
    elif b"\0" in content:
        message = f"file {table}.csv is binary; allowed is comma-separated text in UTF-8"
    else:
        try:
            # Spreadsheets put a byte-order mark before UTF-8; it has one meaning, so it is taken.
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            message = f"file {table}.csv is not UTF-8; save it as UTF-8"
    return Problem(table, line, None, None, message, "line")


def _parse_csv(table: str, content: bytes) -> tuple[pd.DataFrame, list[int]] | list[Problem]:
    """Return the rows as text with their line numbers, or what is wrong with the file."""

    def wrong(message: str, line: int | None = None, value: Any = None) -> Problem:
        return Problem(table, line, None, value, message, "line")

    text = _decoded(table, content)
    if isinstance(text, Problem):
        return [text]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    before = 0
    try:
        for row in reader:
            line, before = before + 1, reader.line_num
            if not row:
                continue
            if rows and len(row) != len(rows[0]):
                message = f"the row has {len(row)} cells; the header has {len(rows[0])}"
                problems.append(wrong(message, line))
                continue
            rows.append(row)
            lines.append(line)
    except csv.Error as error:
        problems.append(wrong(f"the line cannot be read as CSV: {error}", reader.line_num))
    if problems:
        return problems
    header = rows[0]
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        return [wrong("the header has no comma; cells must be separated by commas", lines[0])]
    if any(not name.strip() for name in header):
        return [wrong("the header has a column without a name", lines[0], ",".join(header))]
    frame = pd.DataFrame(rows[1:], columns=pd.Index(header, dtype=object), dtype=object)
    return _type_extras(table, frame), lines[1:]


def _type_extras(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    known = SCHEMA[table].column_names
    for name in frame.columns[~frame.columns.duplicated(keep=False)]:
        if name not in known:
            frame[name] = infer_extra(frame[name].tolist())
    return frame
