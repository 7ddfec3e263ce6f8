"""Ready-made choices for `sensitivity`: options by label, the usual one first.

What is called the usual option leaves model and data as they are, so it is whatever these are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from bayesdense.data import Dataset
from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.priors import Prior
from bayesdense.studies.publication import age_of_benchmarks, publication
from bayesdense.studies.sensitivity import Change
from bayesdense.summaries.growth import ALL

__all__ = [
    "GROUPS",
    "age_of_benchmarks",
    "benchmark_groups",
    "benchmark_subsets",
    "benchmarks_left_out",
    "families",
    "high_scores",
    "merged",
    "model_options",
    "one_benchmark_at_a_time",
    "priors",
    "publication",
    "recalled",
    "references",
    "selections",
    "size_slope",
    "sizes",
    "structure",
    "trends",
    "windows",
]

Options = dict[str, Change]

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
    """Return all core benchmarks, and each alone.

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
    """Return all core benchmarks, and those of each group alone.

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
    strays = [n for n in names if not any(n in members for members in wanted.values())]
    if strays:
        raise BayesdenseError(f"benchmark '{strays[0]}' is in no group: give groups that name it")
    found: Options = {ALL: None}
    for group, members in wanted.items():
        there = [name for name in names if name in members]
        if there and len(there) < len(names):
            found[f"only {group}"] = _only(there)
    return found


def references(data: Dataset, families: str | Iterable[str], *, dense: bool = True) -> Options:
    """Return the references as they are, and each family in their place.

    Parameters
    ----------
    data : Dataset
        With these families; what is no reference any more is a target.
    families : str or iterable of str
        Names of families.
    dense : bool
        Whether to leave mixture models out of the references.

    Returns
    -------
    dict of str to change
    """
    usual = ", ".join(dict.fromkeys(map(str, data.references["family"]))) or "no references"
    found: Options = {usual: None}
    known = sorted(set(map(str, data.models["family"])))
    for family in _listed(families):
        if family not in known:
            raise UnknownNameError.of("family", family, known)
        if family != usual:
            found[family] = partial(Dataset.with_reference, families=family, dense=dense)
    return found


def selections(options: Mapping[str, Mapping[str, Any]]) -> Options:
    """Return filters of the data.

    Parameters
    ----------
    options : mapping of str to mapping
        Arguments of `Dataset.select` by label, the usual first; an empty
        mapping selects all.

    Returns
    -------
    dict of str to change

    Examples
    --------
    >>> from bayesdense.studies import choices
    >>> list(choices.selections({"base models": {"base_only": True}, "all models": {}}))
    ['base models', 'all models']
    """
    return {
        label: partial(Dataset.select, **filters) if filters else None
        for label, filters in options.items()
    }


def windows(
    data: Dataset, *, since: str | Iterable[str] = (), until: str | Iterable[str] = ()
) -> Options:
    """Return all dates, and later beginnings or earlier ends.

    Parameters
    ----------
    data : Dataset
        With dated targets.
    since, until : str or iterable of str
        First and last days, in ISO form.

    Returns
    -------
    dict of str to change
    """
    days = data.targets["release_date"].dropna()
    if not len(days):
        raise BayesdenseError("no target has a release date")
    found: dict[str, dict[str, Any]] = {"all dates": {}}
    found |= {f"since {day}": {"since": day} for day in _listed(since)}
    found |= {f"until {day}": {"until": day} for day in _listed(until)}
    return selections(found)


def recalled(data: Dataset) -> Options:
    """Return all models, those without a recalled fact, and those without one in each field.

    Parameters
    ----------
    data : Dataset
        With sources of dates, sizes and tokens.

    Returns
    -------
    dict of str to change
        Options that would drop nothing are left out. How many models are left
        is in the table of the study.
    """
    fields = {"release_date": "dates", "n_params": "sizes", "n_tokens": "tokens"}
    found: dict[str, dict[str, Any]] = {"all facts": {}}
    for field, words in fields.items():
        others = [name for name in fields if name != field]
        if _drops(data, others):
            found[f"no recalled {words}"] = {"recalled": others}
    if len(found) > 2:
        found["no recalled fact"] = {"recalled": False}
    return selections(found)


def high_scores(data: Dataset, limits: float | Iterable[float]) -> Options:
    """Return all scores, and those below each of some limits.

    Parameters
    ----------
    data : Dataset
        Scores of targets above a limit are dropped; those of references stay.
    limits : float or iterable of float
        Highest scores that are kept, between 0 and 1.

    Returns
    -------
    dict of str to change
        To look at saturation with. Dropping by the outcome is a selection: it
        lowers growth by itself, all the more the lower the limit.
    """
    found: Options = {"all scores": None}
    for limit in _numbers("limits", limits):
        if not 0.0 < limit < 1.0:
            raise BayesdenseError(f"a limit must be between 0 and 1, not {limit!r}")
        found[f"scores up to {limit:g}"] = partial(_up_to, limit=limit)
    return found


def merged(tolerances: float | Iterable[float]) -> Options:
    """Return scores as they are, and with those merged that hardly differ.

    Parameters
    ----------
    tolerances : float or iterable of float
        Largest differences between scores of one model on one benchmark that
        count as one score, as fractions.

    Returns
    -------
    dict of str to change

    Examples
    --------
    >>> from bayesdense.studies import choices
    >>> list(choices.merged([0.001, 0.01]))
    ['not merged', 'merged within 0.001', 'merged within 0.01']
    """
    found: Options = {"not merged": None}
    for tolerance in _numbers("tolerances", tolerances):
        name = f"merged within {tolerance:g}"
        found[name] = partial(Dataset.merge_scores, tolerance=tolerance)
    return found


def model_options(name: str, values: Iterable[Any]) -> Options:
    """Return values of one argument of `DensityModel`, the usual first.

    Parameters
    ----------
    name : str
        The argument, such as ``"law"`` or ``"reference_residual"``.
    values : iterable
        Its values.

    Returns
    -------
    dict of str to change

    Examples
    --------
    >>> from bayesdense.studies import choices
    >>> choices.model_options("d0", [1e12, 1e13])
    {'1e+12': {'d0': 1000000000000.0}, '1e+13': {'d0': 10000000000000.0}}
    """
    values = list(values)
    labels = [f"{v:g}" if isinstance(v, float) else str(getattr(v, "name", v)) for v in values]
    # Two of one name, such as change-points at two dates, are told apart by their settings.
    labels = [
        label if labels.count(label) == 1 else repr(v)
        for label, v in zip(labels, values, strict=True)
    ]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise BayesdenseError(f"two values of {name} cannot be told apart: both are {twice}")
    return {label: {name: value} for label, value in zip(labels, values, strict=True)}


def sizes() -> Options:
    """Return total and active parameters.

    Returns
    -------
    dict of str to change
    """
    return {"total parameters": {"size": "total"}, "active parameters": {"size": "active"}}


def trends() -> Options:
    """Return the typical model and the frontier.

    Returns
    -------
    dict of str to change
    """
    return {"typical": {"trend": "linear"}, "frontier": {"trend": "frontier"}}


def families() -> Options:
    """Return families with a deviation in common, and none.

    Returns
    -------
    dict of str to change
    """
    return {"families": {"families": True}, "no families": {"families": False}}


def size_slope() -> Options:
    """Return size slopes by benchmark, and none.

    Returns
    -------
    dict of str to change
    """
    return {"size slopes": {"size_slope": "by-benchmark"}, "no size slope": {"size_slope": "none"}}


def structure() -> Options:
    """Return the full form, without single parts, and pooled.

    Returns
    -------
    dict of str to change
    """
    return {
        "full": {"form": "full"},
        "without families": {"form": "full", "families": False},
        "without size slopes": {"form": "full", "size_slope": "none"},
        "without harness offsets": {"form": "full", "harness_offsets": False},
        "growth in common": {"form": "full", "growth": "common"},
        "pooled": {"form": "pooled"},
    }


def priors(alternatives: Mapping[str, Mapping[str, Prior]]) -> Options:
    """Return the priors as they are, and named alternatives.

    Parameters
    ----------
    alternatives : mapping of str to mapping of str to Prior
        By label: priors by parameter, as `DensityModel` takes them.

    Returns
    -------
    dict of str to change
    """
    return {"usual priors": None, **{n: {"priors": dict(p)} for n, p in alternatives.items()}}


def _several(data: Dataset) -> list[str]:
    names = data.core_benchmarks
    if len(names) < 2:
        raise BayesdenseError(
            f"'{data.name}' has {len(names)} core benchmark; a study of benchmarks needs two"
        )
    return names


def _listed(values: str | Iterable[str]) -> list[str]:
    return [values] if isinstance(values, str) else list(values)


def _numbers(what: str, values: Any) -> list[float]:
    try:
        return [float(v) for v in np.atleast_1d(np.asarray(values, dtype=float))]
    except (TypeError, ValueError):
        raise BayesdenseError(f"{what} must be numbers, not {values!r}") from None


def _only(names: list[str]) -> Change:
    return partial(Dataset.select, benchmarks=names)


def _drops(data: Dataset, allowed: list[str]) -> bool:
    return len(data.select(recalled=allowed).targets) < len(data.targets)


def _up_to(data: Dataset, *, limit: float) -> Dataset:
    reference = data.models.set_index("model")["is_reference"]
    of_reference = reference.loc[data.scores["model"]].to_numpy(dtype=bool)
    keep = of_reference | (data.scores["score"].to_numpy(dtype=float) <= limit)
    return data.keep_scores(np.asarray(keep, dtype=bool), reason=f"scores up to {limit:g}")
