"""Write a dataset as a folder of CSV files, all of it or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayesdense.data.atomic import replace_folder
from bayesdense.data.schema import TABLE_NAMES
from bayesdense.data.tables import Tables
from bayesdense.errors import DataError

__all__ = ["csv_bytes", "write_folder"]

PACKAGE_FILE = "datapackage.json"
OWN_FILES = {PACKAGE_FILE, *(f"{name}.csv" for name in TABLE_NAMES)}


def csv_bytes(frame: pd.DataFrame) -> bytes:
    r"""Return a frame as CSV: UTF-8, line feeds, shortest exact numbers, ISO days.

    Examples
    --------
    >>> csv_bytes(pd.DataFrame({"model": ["a"], "n_params": [7e9]}))
    b'model,n_params\na,7000000000.0\n'
    """
    text = frame.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return str(text).encode("utf-8")


def write_folder(
    tables: Tables, path: str | os.PathLike[str], *, about: Mapping[str, Any], overwrite: bool
) -> Path:
    """Write the tables and a ``datapackage.json`` that holds `about`.

    The files are written to a folder beside the target, which is then
    renamed, so a reader never meets half a dataset.

    Parameters
    ----------
    tables : Tables
        Validated tables. ``losses.csv`` is written only where there are losses.
    path : path-like
        The folder; folders above it are made.
    about : mapping
        JSON values for ``datapackage.json``, such as name and description.
    overwrite : bool
        Whether a folder that holds a dataset, and nothing else, is replaced.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    DataError
        When the path is a file, or a folder that is not empty and must not be
        replaced.
    """
    folder = Path(os.path.abspath(path))  # "." has no name and no parent of its own
    if folder.exists() and not folder.is_dir():
        raise DataError(f"'{folder}' is a file; allowed is a folder that is new or empty.")
    present = sorted(child.name for child in folder.iterdir()) if folder.exists() else []
    if present and not overwrite:
        raise DataError(f"folder '{folder}' is not empty; overwrite=True replaces a dataset.")
    foreign = [name for name in present if name not in OWN_FILES]
    if foreign:
        raise DataError(
            f"folder '{folder}' holds '{foreign[0]}', which is no part of a dataset; "
            "it is not overwritten."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)

    def write(fresh: Path) -> None:
        resources = []
        for name in TABLE_NAMES:
            frame = getattr(tables, name)
            if name == "losses" and not len(frame):
                continue
            (fresh / f"{name}.csv").write_bytes(csv_bytes(frame))
            resources.append({"name": name, "path": f"{name}.csv"})
        # No checksums here: this is the user's folder, to be edited.
        package = {**about, "resources": resources}
        text = json.dumps(package, indent=2, ensure_ascii=False)
        (fresh / PACKAGE_FILE).write_text(text + "\n", encoding="utf-8", newline="\n")

    replace_folder(folder, write)
    return folder
