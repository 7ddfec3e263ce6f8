"""Which models and scores: references, filters, days, facts, saturation, repeated scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from bayesdense.data import Dataset
from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.studies.sensitivity import Options

__all__ = ["high_scores", "merged", "recalled", "references", "selections", "windows"]


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
    """Return all dates, and windows that begin later or end sooner.

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


def _listed(values: str | Iterable[str]) -> list[str]:
    return [values] if isinstance(values, str) else list(values)


def _numbers(what: str, values: Any) -> list[float]:
    try:
        return [float(v) for v in (values if isinstance(values, Iterable) else [values])]
    except (TypeError, ValueError):
        raise BayesdenseError(f"{what} must be numbers, not {values!r}") from None


def _drops(data: Dataset, allowed: list[str]) -> bool:
    return len(data.select(recalled=allowed).targets) < len(data.targets)


def _up_to(data: Dataset, *, limit: float) -> Dataset:
    reference = data.models.set_index("model")["is_reference"]
    of_reference = reference.loc[data.scores["model"]].to_numpy(dtype=bool)
    keep = of_reference | (data.scores["score"].to_numpy(dtype=float) <= limit)
    return data.keep_scores(np.asarray(keep, dtype=bool), reason=f"scores up to {limit:g}")
