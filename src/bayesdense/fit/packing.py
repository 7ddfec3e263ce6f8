"""Draws as whole numbers: what a file keeps of them by default.

Each entry of a variable, over all draws, is stored as ``origin + step k`` with ``k`` a whole
number of 16 bits. The step is a power of two below the entry's standard deviation over `FINE`, or
over `COARSE` for the hundreds of deviations of single models, families and cells; so a draw moves
by at most a 128th of a posterior standard deviation where the Monte Carlo error of a 5 % quantile
from 8,000 independent draws is a 42nd of it. What does not fit into 16 bits stays as it is.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import xarray as xr

__all__ = ["COARSE", "FINE", "MANY", "pack", "unpack"]

FINE, COARSE = 1024, 64
"""Steps to a posterior standard deviation, at least."""

MANY = 50
"""Entries of a variable from which on its draws are stored coarsely."""

SAMPLE = ("chain", "draw")
PACKED, ORIGIN, STEP, ABOUT = "packed", "packed_origin", "packed_step", "packed_variables"
LARGEST = np.iinfo(np.int16).max


def pack(dataset: xr.Dataset) -> xr.Dataset:
    """Return draws as one table of whole numbers, with what turns them back.

    Parameters
    ----------
    dataset : xarray.Dataset
        Variables with dimensions ``chain`` and ``draw``.

    Returns
    -------
    xarray.Dataset
        ``packed``, a row for each entry of a variable and a column for each
        draw, chains one after the other; ``packed_origin`` and ``packed_step`` of
        each row; ``packed_variables``, what the rows are, as JSON in bytes; and
        whatever could not be packed.

    Examples
    --------
    >>> draws = xr.Dataset({"a": (("chain", "draw"), [[0.0, 0.1, 0.25]])})
    >>> pack(draws)["packed"].dtype
    dtype('int16')
    """
    rows, origins, steps = [], [], []
    about: list[dict[str, Any]] = []
    for name, values in dataset.data_vars.items():
        if values.dtype.kind != "f" or not set(SAMPLE) <= set(values.dims):
            continue
        values = values.transpose(*SAMPLE, ...)
        # One entry after the other compresses better than one draw after the other.
        array = values.values.reshape(values.sizes["chain"] * values.sizes["draw"], -1).T
        found = _whole_numbers(array.astype(float))
        if found is None:
            continue
        rows.append(found[0])
        origins.append(found[1])
        steps.append(found[2])
        what = {"dims": values.dims, "shape": values.shape, "attrs": values.attrs}
        about.append({"name": name, **what})
    if not rows:
        return dataset
    table = {
        PACKED: (("entry", "sample"), np.concatenate(rows)),
        ORIGIN: ("entry", np.concatenate(origins)),
        STEP: ("entry", np.concatenate(steps)),
        ABOUT: ("about", np.frombuffer(json.dumps(about).encode(), np.uint8)),
    }
    return dataset.drop_vars([entry["name"] for entry in about]).assign(table)


def _whole_numbers(array: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return whole numbers, origins and steps of draws of shape (entry, sample), or None."""
    sd = array.std(axis=1)
    if not np.isfinite(sd).all():
        return None
    steps = COARSE if len(sd) >= MANY else FINE
    with np.errstate(divide="ignore"):
        step = np.where(sd > 0, 2.0 ** np.floor(np.log2(sd / steps)), 1.0)
    # A number that does not vary is its own origin.
    origin = np.where(sd > 0, np.rint(array.mean(axis=1) / step) * step, array[:, 0])
    whole = np.rint((array - origin[:, None]) / step[:, None])
    if np.abs(whole).max(initial=0) > LARGEST:
        return None
    return whole.astype(np.int16), origin, step


def unpack(dataset: xr.Dataset) -> xr.Dataset:
    """Return what `pack` packed, as numbers of double precision.

    Parameters
    ----------
    dataset : xarray.Dataset
        What `pack` returned; another one is returned as it is.

    Returns
    -------
    xarray.Dataset
    """
    if PACKED not in dataset:
        return dataset
    origin, step = dataset[ORIGIN].values, dataset[STEP].values
    array = np.ascontiguousarray(dataset[PACKED].values.T) * step + origin
    found, start = {}, 0
    for entry in json.loads(dataset[ABOUT].values.tobytes()):
        end = start + math.prod(entry["shape"][len(SAMPLE) :])
        # In one piece, as draws are that were never stored: sums depend on the order of memory.
        values = np.ascontiguousarray(array[:, start:end]).reshape(entry["shape"])
        found[entry["name"]] = (entry["dims"], values, entry["attrs"])
        start = end
    return dataset.drop_vars([PACKED, ORIGIN, STEP, ABOUT]).assign(found)
