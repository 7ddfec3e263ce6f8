"""A fit on disk: one netCDF file with the draws, everything that made them, and what they say.

Draws are stored as `packing` has them, or in full; the digest is of what is stored.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from bayesdense.data import Dataset, read_dataset
from bayesdense.data.atomic import write_file as write_atomically
from bayesdense.errors import BayesdenseError, FitFileError
from bayesdense.fit.packing import pack, unpack

__all__ = ["FORMAT", "Stored", "read_file", "write_file"]

FORMAT = 5
"""Version of the file's own layout."""

READ = (4, FORMAT)
"""The layouts that are read; layout 4 has every draw in full, and no report."""

UNNAMED = 3
"""The layout of bayesdense 0.1.0, in which variables had the symbols of the paper as names."""

ENGINE: Final = "h5netcdf"
LEVEL = 4  # Of compression; more takes longer and saves next to nothing.
REFERENCE_POSTERIOR = "reference_posterior"


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes
    ----------
    manifest : dict
        How the fit was made, as plain values.
    data : Dataset
        What it was made from.
    posterior, sample_stats : xarray.Dataset
        What it gave.
    reference_posterior : xarray.Dataset, optional
        Draws of the ruler from references only.
    report : str
        What was known of the fit, as JSON; empty where nothing is stored.
    """

    manifest: dict[str, Any]
    data: Dataset
    posterior: xr.Dataset
    sample_stats: xr.Dataset
    reference_posterior: xr.Dataset | None = None
    report: str = ""


def write_file(path: str | os.PathLike[str], stored: Stored, *, full: bool = False) -> Path:
    """Write a fit, completely or not at all.

    The file is written beside its destination and renamed when it is complete
    and on the disk, so a process that is killed leaves an older file whole.

    Parameters
    ----------
    path : path-like
        The file; its folder must exist.
    stored : Stored
        What to write.
    full : bool
        Whether draws keep every digit.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    BayesdenseError
        If the folder does not exist or cannot be written to.
    """
    target = Path(path)
    if target.is_dir():
        raise BayesdenseError(f"'{target}' is a folder; a fit is saved as a file, such as fit.nc")
    if not target.parent.is_dir():
        raise BayesdenseError(f"folder '{target.parent}' does not exist; make it first")
    files = _tables(stored.data)
    files["manifest"] = json.dumps(stored.manifest, sort_keys=True).encode()
    if stored.report:
        files["report"] = stored.report.encode()
    content = xr.Dataset(
        {name: (f"{name}_bytes", np.frombuffer(text, np.uint8)) for name, text in files.items()}
    )
    kept = (lambda dataset: dataset) if full else pack
    groups = {
        "posterior": _plain(kept(stored.posterior)),
        "sample_stats": _plain(stored.sample_stats),
        "bayesdense": content,
    }
    if stored.reference_posterior is not None:
        groups[REFERENCE_POSTERIOR] = _plain(kept(stored.reference_posterior))
    root = xr.Dataset(attrs={"bayesdense_format": FORMAT, "bayesdense_digest": _digest(groups)})
    tree = xr.DataTree.from_dict({"/": root, **groups})
    encoding = {
        f"/{group}": {
            str(name): {"zlib": True, "complevel": LEVEL, "shuffle": True}
            for name, values in dataset.data_vars.items()
            if values.size > 1
        }
        for group, dataset in groups.items()
    }
    try:
        # In memory first: on a full disk HDF5 does not raise, but ends the process.
        written = tree.to_netcdf(engine=ENGINE, encoding=encoding)
        write_atomically(target, lambda file: file.write_bytes(written))
    except OSError as error:
        raise BayesdenseError(f"cannot write '{target}': {error.strerror or error}") from None
    return target


def read_file(path: str | os.PathLike[str]) -> Stored:
    """Read a fit and check that it is what was written.

    Parameters
    ----------
    path : path-like
        A file that `write_file` wrote.

    Returns
    -------
    Stored

    Raises
    ------
    FitFileError
        If there is no such file, it is no fit, it was cut short or altered,
        or its layout belongs to another version.
    """
    source = Path(path)
    if not source.is_file():
        raise FitFileError(f"there is no file '{source}'")
    try:
        tree = xr.open_datatree(source, engine=ENGINE)
    except Exception:
        # The libraries below raise a dozen kinds of error on a damaged file.
        raise FitFileError(
            f"'{source}' cannot be read as netCDF: it is not a saved fit, or it was cut short"
        ) from None
    with tree:
        version = tree.attrs.get("bayesdense_format")
        if version is None:
            raise FitFileError(f"'{source}' is a netCDF file, but not a fit saved by bayesdense")
        if int(version) == UNNAMED:
            raise FitFileError(
                f"'{source}' was written by bayesdense 0.1.0, before the variables had the names "
                "that they have now: fit the data again, or read the file with that version"
            )
        if int(version) not in READ:
            raise FitFileError(
                f"'{source}' has layout {int(version)} and was saved by another version of "
                f"bayesdense; this one reads layouts {READ[0]} to {FORMAT}: fit its data again, or "
                "install the version that saved it"
            )
        try:
            names = ["posterior", "sample_stats", "bayesdense"]
            names += [REFERENCE_POSTERIOR] if REFERENCE_POSTERIOR in tree.children else []
            groups = {name: tree[name].to_dataset().load() for name in names}
        except Exception:
            raise FitFileError(f"'{source}' is damaged: part of it cannot be read") from None
    if _digest(groups) != tree.attrs.get("bayesdense_digest"):
        raise FitFileError(f"'{source}' was altered after it was saved: its digest does not match")
    content = {str(name): bytes(values.values) for name, values in groups["bayesdense"].items()}
    manifest = json.loads(content.pop("manifest"))
    report = content.pop("report", b"").decode()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in content.items():
            (Path(folder) / name).write_bytes(text)
        data = read_dataset(folder)
    references = groups.get(REFERENCE_POSTERIOR)
    return Stored(
        manifest,
        data,
        unpack(groups["posterior"]),
        groups["sample_stats"],
        None if references is None else unpack(references),
        report,
    )


def _tables(data: Dataset) -> dict[str, bytes]:
    """Return the files of a dataset by name."""
    with tempfile.TemporaryDirectory() as folder:
        written = data.to_folder(Path(folder) / "data")
        return {file.name: file.read_bytes() for file in sorted(written.iterdir())}


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset with attributes that are text only, and without empty variables."""
    plain = dataset.drop_attrs()
    for name, values in plain.data_vars.items():
        values.attrs = {k: v for k, v in dataset[name].attrs.items() if isinstance(v, str) and v}
    return plain.drop_vars([name for name, values in plain.data_vars.items() if not values.size])


def _digest(groups: Mapping[str, xr.Dataset]) -> str:
    """Return a SHA-256 over names, dimensions and values of all variables."""
    digest = hashlib.sha256()
    for group in sorted(groups):
        dataset = groups[group]
        for name in sorted(str(n) for n in dataset.variables):
            variable = dataset.variables[name]
            digest.update(f"{group}/{name}/{variable.dims}/{variable.shape}/".encode())
            values = variable.values
            if values.dtype.kind in "OUST":
                digest.update("\0".join(str(v) for v in values.ravel()).encode())
            else:
                kind = {"b": "u1", "i": "<i8", "u": "<i8"}.get(values.dtype.kind, "<f8")
                kind = "<i2" if values.dtype == np.int16 else kind
                digest.update(np.ascontiguousarray(values.astype(kind)).tobytes())
    return digest.hexdigest()
