"""Benchmarks that need no table: their items and the score of guessing are known.

Figures are of the split that is usually reported. ``chance`` is the mean of one over the number of
options; where options differ from item to item (BBH, SuperGPQA, MuSR, TruthfulQA) it is
approximate.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from bayesdense.data.schema import squash
from bayesdense.errors import DataError, near_match

__all__ = ["benchmarks_named", "known_benchmarks"]


@cache
def _table() -> pd.DataFrame:
    with files("bayesdense.data").joinpath("known_benchmarks.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def known_benchmarks() -> pd.DataFrame:
    """Return the benchmarks of which the number of items and chance are known.

    Returns
    -------
    pandas.DataFrame
        Columns ``benchmark``, ``n_items``, ``chance`` (score of guessing, 0 to 1).

    Examples
    --------
    >>> known_benchmarks().set_index("benchmark").loc["MMLU", "n_items"].item()
    14042
    """
    return _table().copy()


def benchmarks_named(
    names: Iterable[str], given: pd.DataFrame | None, *, where: str
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return a table of benchmarks, from what is given and what is known.

    Parameters
    ----------
    names : iterable of str
        What they are called; case and punctuation may differ from the known names.
    given : pandas.DataFrame, optional
        The user's own: ``benchmark``, ``n_items``, ``chance`` and maybe others.
        It comes before what is known.
    where : str
        What has the names, for the message.

    Returns
    -------
    benchmarks : pandas.DataFrame
        One row for each.
    names : dict of str to str
        Name of the table by the name that was asked for.

    Raises
    ------
    DataError
        If a name is in neither.
    """
    own: Any = pd.DataFrame(columns=["benchmark"]) if given is None else given
    if not isinstance(own, pd.DataFrame) or "benchmark" not in own:
        raise DataError(
            "benchmarks: allowed is a DataFrame with the columns benchmark, n_items and chance"
        )
    known = known_benchmarks()
    by_name = {squash(name): name for name in known["benchmark"]}
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        if name in set(own["benchmark"]):
            found[name] = name
        elif squash(name) in by_name:
            found[name] = by_name[squash(name)]
        else:
            allowed = [*own["benchmark"], *known["benchmark"]]
            raise DataError(
                f"{where}: items and chance of the benchmark {name!r} are not known: "
                f"{near_match(name, allowed)} Give them in benchmarks (columns benchmark, "
                "n_items, chance)."
            )
    wanted = set(found.values())
    of_own = own[own["benchmark"].isin(wanted)]
    rest = known[known["benchmark"].isin(wanted - set(of_own["benchmark"]))]
    parts = [part for part in (of_own, rest) if len(part)]
    table = pd.concat(parts, ignore_index=True) if parts else known.iloc[:0]
    return table, found
