"""Which benchmarks: without each, each on its own, subsets, groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import combinations

from bayesdense.data import Dataset
from bayesdense.errors import BayesdenseError
from bayesdense.studies.sensitivity import Change, Options
from bayesdense.tables.growth import ALL

__all__ = [
    "GROUPS",
    "benchmark_groups",
    "benchmark_subsets",
    "benchmarks_left_out",
    "one_benchmark_at_a_time",
]

GROUPS: dict[str, tuple[str, ...]] = {
    "knowledge": ("MMLU", "MMLU-Pro", "C-Eval", "GPQA", "TriviaQA", "NaturalQuestions"),
    "reasoning": ("BBH", "ARC-C", "ARC-E", "DROP", "LogiQA"),
    "mathematics": ("MATH", "GSM8K"),
    "code": ("HumanEval", "MBPP"),
    "common sense": ("HellaSwag", "WinoGrande", "PIQA", "LAMBADA", "BoolQ", "COPA"),
}
"""Groups of benchmarks by what they ask for."""


def benchmarks_left_out(data: Dataset) -> Options:
    """Return all core benchmarks, and all but each.

    Parameters
    ----------
    data : Dataset
        With at least two core benchmarks.

    Returns
    -------
    dict of str to change
        Models stay as they are; scores are dropped.

    Examples
    --------
    >>> import bayesdense as bd
    >>> data = bd.load_dataset("densing5").select(benchmarks=["MMLU", "BBH"])
    >>> list(bd.studies.choices.benchmarks_left_out(data))
    ['all benchmarks', 'without MMLU', 'without BBH']
    """
    names = _several(data)
    found: Options = {ALL: None}
    for left_out in names:
        found[f"without {left_out}"] = _only([n for n in names if n != left_out])
    return found


def one_benchmark_at_a_time(data: Dataset) -> Options:
    """Return all core benchmarks, and each on its own.

    Parameters
    ----------
    data : Dataset
        With at least two core benchmarks.

    Returns
    -------
    dict of str to change
    """
    return {ALL: None, **{f"only {name}": _only([name]) for name in _several(data)}}


def benchmark_subsets(data: Dataset, *, smallest: int = 1) -> Options:
    """Return every subset of the core benchmarks, the whole set first.

    Parameters
    ----------
    data : Dataset
        With at least two core benchmarks.
    smallest : int
        Fewest benchmarks of a subset.

    Returns
    -------
    dict of str to change
        ``2**n - 1`` options for ``n`` benchmarks, if `smallest` is 1.
    """
    names = _several(data)
    if type(smallest) is not int or not 1 <= smallest <= len(names):
        raise BayesdenseError(f"smallest must be from 1 to {len(names)}, not {smallest!r}")
    found: Options = {ALL: None}
    for count in range(len(names) - 1, smallest - 1, -1):
        for subset in combinations(names, count):
            found[", ".join(subset)] = _only(list(subset))
    return found


def benchmark_groups(data: Dataset, groups: Mapping[str, Iterable[str]] | None = None) -> Options:
    """Return all core benchmarks, and only those of each group.

    Parameters
    ----------
    data : Dataset
        With core benchmarks of at least two groups.
    groups : mapping of str to iterable of str, optional
        Names of benchmarks by group; `GROUPS` if not given. Names that the
        data do not have are left out, and so are groups without any.

    Returns
    -------
    dict of str to change
    """
    names = _several(data)
    wanted = {g: set(members) for g, members in (GROUPS if groups is None else groups).items()}
    left_over = [n for n in names if not any(n in members for members in wanted.values())]
    if left_over:
        raise BayesdenseError(
            f"benchmark '{left_over[0]}' is in no group: give groups that name it"
        )
    found: Options = {ALL: None}
    for group, members in wanted.items():
        there = [name for name in names if name in members]
        if there and len(there) < len(names):
            found[f"only {group}"] = _only(there)
    return found


def _several(data: Dataset) -> list[str]:
    names = data.core_benchmarks
    if len(names) < 2:
        raise BayesdenseError(
            f"'{data.name}' has {len(names)} core benchmark; a study of benchmarks needs two"
        )
    return names


def _only(names: list[str]) -> Change:
    return partial(Dataset.select, benchmarks=names)
