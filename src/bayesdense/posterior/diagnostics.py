"""R-hat and effective sample sizes, entry by entry."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

__all__ = [
    "MAX_RHAT",
    "MIN_BFMI",
    "MIN_ESS",
    "Convergence",
    "diagnostics_table",
    "energy_table",
    "worst",
    "worst_of",
]

MAX_RHAT = 1.01
# Variables with entries that fill an array and nothing else: they are 0 in every draw.
MAY_BE_ABSENT = ("harness_offset",)
MIN_ESS = 400
MIN_BFMI = 0.3


class Convergence(NamedTuple):
    """The worst diagnostics of some variables.

    Attributes
    ----------
    rhat : float
        Largest R-hat.
    ess : float
        Lowest effective sample size, of bulk and tails.
    """

    rhat: float
    ess: float

    @property
    def good(self) -> bool:
        """Whether both are within their limits; NaN (one chain, or a constant) is not."""
        return bool(self.rhat <= MAX_RHAT and self.ess >= MIN_ESS)


def diagnostics_table(posterior: xr.Dataset, names: Iterable[str]) -> pd.DataFrame:
    """Return convergence diagnostics of the named variables.

    Parameters
    ----------
    posterior : xarray.Dataset
        With dimensions ``chain`` and ``draw``.
    names : iterable of str
        Variables; those that the posterior does not have are passed over.

    Returns
    -------
    pandas.DataFrame
        One row for each entry. Columns ``parameter``, ``rhat`` (rank
        normalised), ``ess_bulk``, ``ess_tail`` and ``ess``, the smaller of the
        two. The offset of a harness on a benchmark that it never measured is 0 in
        every draw, and has no row.
    """
    import arviz as az

    chosen = posterior[[name for name in dict.fromkeys(names) if name in posterior]]
    # Of an entry that does not vary, R-hat is 0 / 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {
            "rhat": az.rhat(chosen),
            "ess_bulk": az.ess(chosen, method="bulk"),
            "ess_tail": az.ess(chosen, method="tail"),
        }
    sampled: list[Any] = []
    rows: dict[str, list[Any]] = {"parameter": [], **{name: [] for name in columns}}
    for name in chosen.data_vars:
        dims = chosen[name].dims[2:]
        for labels in itertools.product(*(chosen[name][dim].values for dim in dims)):
            place = f"[{', '.join(str(label) for label in labels)}]" if labels else ""
            rows["parameter"].append(f"{name}{place}")
        for column, values in columns.items():
            rows[column].extend(np.ravel(values[name].values))
        there = (chosen[name] != 0.0).any(("chain", "draw")) | (name not in MAY_BE_ABSENT)
        sampled.extend(np.ravel(there.values))
    table = pd.DataFrame(rows)[np.array(sampled, dtype=bool)].reset_index(drop=True)
    return table.assign(ess=table[["ess_bulk", "ess_tail"]].min(axis=1))


def worst(posterior: xr.Dataset, names: Iterable[str]) -> Convergence:
    """Return the largest R-hat and the lowest effective sample size of the named variables.

    Parameters
    ----------
    posterior, names
        As for `diagnostics_table`.

    Returns
    -------
    Convergence
        NaN where one of them is NaN.
    """
    return worst_of(diagnostics_table(posterior, names))


def worst_of(table: pd.DataFrame) -> Convergence:
    """Return the largest R-hat and the lowest effective sample size of a table.

    Parameters
    ----------
    table : pandas.DataFrame
        With columns ``rhat`` and ``ess``.

    Returns
    -------
    Convergence
    """
    rhat, ess = table["rhat"].max(skipna=False), table["ess"].min(skipna=False)
    return Convergence(float(rhat), float(ess))


def energy_table(sample_stats: xr.Dataset) -> pd.DataFrame:
    """Return how well each chain explores energies (E-BFMI).

    Parameters
    ----------
    sample_stats : xarray.Dataset
        With ``energy``.

    Returns
    -------
    pandas.DataFrame
        Columns ``chain`` and ``bfmi``; NaN where the energy does not vary.
    """
    energy = sample_stats["energy"].transpose("chain", "draw").values
    with np.errstate(divide="ignore", invalid="ignore"):
        bfmi = np.mean(np.diff(energy, axis=1) ** 2, axis=1) / energy.var(axis=1)
    return pd.DataFrame({"chain": np.arange(len(bfmi)), "bfmi": bfmi})
