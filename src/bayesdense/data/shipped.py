"""The datasets that come with the package."""

from __future__ import annotations

import os
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import pandas as pd

from bayesdense.data.dataset import Dataset
from bayesdense.data.read import read_dataset, read_folder, read_package
from bayesdense.data.write import PACKAGE_FILE
from bayesdense.errors import DataError, UnknownNameError

__all__ = ["list_datasets", "load_dataset", "shipped_root"]

_COUNTS = ("models", "targets", "references", "benchmarks", "scores", "losses")


def shipped_root() -> Traversable:
    """Return the folder of shipped datasets: in a wheel, else at the root of the checkout.

    Raises
    ------
    DataError
        When there is neither.
    """
    inside = files("bayesdense").joinpath("_datasets")
    if inside.is_dir():
        return inside
    # An editable install does not carry the wheel's extra folder.
    root = Path(__file__).resolve().parents[3] / "data"
    if any(root.glob(f"*/{PACKAGE_FILE}")):
        return root
    raise DataError("the shipped datasets are missing from this installation: install it again.")


def load_dataset(name: str | os.PathLike[str]) -> Dataset:
    """Load a shipped dataset by its name, or a folder by its path.

    Parameters
    ----------
    name : str or path-like
        A name that `list_datasets` shows; or a path, which is a path object or
        text with a path separator in it, such as ``"./mine"``.

    Returns
    -------
    Dataset
        Checked. The checksums of a shipped dataset are compared on every load.

    Raises
    ------
    UnknownNameError
        When no shipped dataset has this name.
    DataError
        When the data cannot be used, with every problem that is found.

    Examples
    --------
    >>> load_dataset("leaderboard").core_benchmarks
    ['MMLU', 'ARC-C', 'HellaSwag', 'WinoGrande', 'GSM8K', 'HumanEval']
    """
    if isinstance(name, os.PathLike):
        return read_dataset(name)
    if not isinstance(name, str):
        raise DataError(f"dataset {name!r}: allowed is the name of a dataset or a path.")
    if "/" in name or "\\" in name:
        return read_dataset(name)
    root = shipped_root()
    known = _names(root)
    if name not in known:
        error = UnknownNameError.of("dataset", name, known)
        raise UnknownNameError(f"{error} A folder is written with a separator, as './{name}'.")
    where = f"shipped dataset '{name}'"
    return read_folder(root.joinpath(name), where=where, name=name, need_checksums=True)


def list_datasets() -> pd.DataFrame:
    """List the shipped datasets, by reading only their descriptions.

    Returns
    -------
    pandas.DataFrame
        One row for each: ``dataset``, ``models``, ``targets``,
        ``references``, ``benchmarks``, ``scores``, ``losses``, ``licence``,
        ``description``.

    Examples
    --------
    >>> list_datasets()["dataset"].tolist()
    ['base_models', 'densing5', 'ikp', 'leaderboard', 'olmo_ladder', 'openlm_redpajama']
    """
    root = shipped_root()
    rows = []
    for name in _names(root):
        package = read_package(root.joinpath(name), where=f"shipped dataset '{name}'")
        counts = package.get("bayesdense", {})
        licences = [licence.get("name", "") for licence in package.get("licenses", [])]
        rows.append(
            {
                "dataset": name,
                **{count: int(counts.get(count, 0)) for count in _COUNTS},
                "licence": ", ".join(licences),
                "description": package.get("description", ""),
            }
        )
    return pd.DataFrame(rows)


def _names(root: Traversable) -> list[str]:
    folders = (child for child in root.iterdir() if child.is_dir())
    return sorted(f.name for f in folders if f.joinpath(PACKAGE_FILE).is_file())
