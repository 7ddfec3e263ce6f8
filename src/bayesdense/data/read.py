"""Read a folder of tables, with or without a ``datapackage.json``.

Tables are data: their cells are read as text and checked against the schema.
Nothing is unpickled or evaluated, and no path outside the folder is opened.
"""

from __future__ import annotations

import hashlib
import json
import os
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import pandas as pd

from bayesdense.data.dataset import Dataset
from bayesdense.data.files import TableFile, content_of, find_files, parse_file
from bayesdense.data.schema import SCHEMA, TABLE_NAMES
from bayesdense.data.validate import validate_tables
from bayesdense.data.write import PACKAGE_FILE
from bayesdense.errors import DataError, Problem

__all__ = ["read_dataset", "read_folder", "read_package", "validate"]

_HASHES = ("md5", "sha1", "sha256", "sha512")


def read_dataset(folder: str | os.PathLike[str]) -> Dataset:
    """Read a dataset from a folder of tables.

    Parameters
    ----------
    folder : path-like
        With ``models.csv``, ``benchmarks.csv``, ``scores.csv`` and maybe
        ``losses.csv``: comma-separated UTF-8 with a header. Blank lines and
        rows of empty cells are skipped, and so is a column without a name
        that is empty or counts the rows. Instead of ``.csv`` a table may be
        ``.csv.gz``, ``.parquet`` (needs pyarrow), ``.xlsx`` (needs openpyxl)
        or ``.ods`` (needs odfpy), one file for each. A ``datapackage.json``
        gives name, description and sources; where its resources state
        ``hash`` or ``bytes``, the files must match.

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
        raise DataError(f"'{path}' is a file; allowed is a folder of tables.")
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
    files, unfound = find_files(folder)
    problems = _check_files(package, files, need=need_checksums)
    if problems:
        raise DataError.from_problems(problems, where=where)
    problems = unfound
    frames: dict[str, pd.DataFrame | None] = {}
    lines: dict[str, list[int]] = {}
    for table, file in files.items():
        parsed = parse_file(file)
        if isinstance(parsed, list):
            problems += parsed
            continue
        frames[table], of_rows = parsed
        if of_rows is not None:
            lines[table] = of_rows
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
    content = content_of(folder, PACKAGE_FILE)
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


def _check_files(
    package: dict[str, Any], files: dict[str, TableFile], *, need: bool
) -> list[Problem]:
    problems = []
    # Other packages may have resources of several files, whose path is a list.
    resources = {str(r.get("path")): r for r in _mappings(package.get("resources"))}
    for table in TABLE_NAMES:
        file = files.get(table)
        name = f"{table}.csv" if file is None else file.name
        resource = resources.get(name, {})
        stated = resource.get("hash")
        if file is None:
            if stated:
                message = f"file {name} is missing, but {PACKAGE_FILE} lists it"
                problems.append(Problem(table, None, None, None, message))
            continue
        content = file.content
        changed = f"file {name} has changed since {PACKAGE_FILE} was written"
        size = resource.get("bytes")
        if stated is None:
            if need:
                message = f"{PACKAGE_FILE} has no checksum for {name}; it must have one"
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
