"""The fits that come with the package."""

from __future__ import annotations

import os
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["shipped_fit_names", "shipped_fits_root"]

SUFFIX = ".nc"


def shipped_fits_root() -> Traversable:
    """Return the folder of shipped fits.

    Returns
    -------
    importlib.resources.abc.Traversable
    """
    return files("bayesdense").joinpath("shipped_fits")


def shipped_fit_names() -> list[str]:
    """Return the names of the shipped fits, which are those of their datasets.

    Returns
    -------
    list of str

    Examples
    --------
    >>> shipped_fit_names()
    ['densing5']
    """
    root = shipped_fits_root()
    if not root.is_dir():
        return []
    names = (os.path.splitext(entry.name) for entry in root.iterdir())
    return sorted(stem for stem, suffix in names if suffix == SUFFIX)
