"""Choose models, benchmarks and scores of a dataset.

A filter on models speaks of targets. Reference models are the ruler, so they
stay unless the caller says otherwise, or unless there are no targets at all.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesdense.data.cells import parse_dates
from bayesdense.data.schema import SOURCE_FIELDS
from bayesdense.data.tables import Tables
from bayesdense.errors import DataError, UnknownNameError

__all__ = [
    "Day",
    "Names",
    "Selection",
    "as_names",
    "check_names",
    "is_number",
    "keep_scores",
    "select_tables",
]

Day = str | dt.date | np.datetime64
Names = str | Iterable[str]
Selection = list[dict[str, Any]]
Mask = NDArray[np.bool_]


def select_tables(
    tables: Tables,
    *,
    since: Day | None = None,
    until: Day | None = None,
    models: Names | None = None,
    benchmarks: Names | None = None,
    loss_sets: Names | None = None,
    families: Names | None = None,
    harness: Names | None = None,
    min_params: float | None = None,
    max_params: float | None = None,
    base_only: bool | None = None,
    compressed: bool | None = None,
    recalled: bool | Names | None = None,
    min_benchmarks: int | None = None,
    references: bool | None = None,
) -> tuple[Tables, Selection]:
    """Apply filters one after another; `Dataset.select` documents them.

    Parameters
    ----------
    tables : Tables
        The tables to choose from; they stay as they are.
    since, until, models, benchmarks, loss_sets, families, harness, min_params, max_params, \
base_only, compressed, recalled, min_benchmarks, references
        As in `Dataset.select`.

    Returns
    -------
    Tables, list of dict
        What is left, and for each filter in the order of application its
        name, its value, the numbers of models, scores and losses it dropped, and
        whether it applied to references too.

    Raises
    ------
    UnknownNameError
        A model, benchmark, loss set, family or harness that the tables do not have.
    DataError
        A value that is not allowed, or filters that leave nothing.
    """
    _check_flags({"base_only": base_only, "compressed": compressed, "references": references})
    first, last = _window(since, until)
    low, high = _sizes(min_params, max_params)

    log: Selection = []
    had_targets = not bool(tables.models["is_reference"].all())
    also_references = references if references is not None else not had_targets

    def note(name: str, value: Any, after: Tables, *, everywhere: bool) -> None:
        nonlocal tables
        log.append(
            {
                "filter": name,
                "value": value,
                "dropped_models": len(tables.models) - len(after.models),
                "dropped_scores": len(tables.scores) - len(after.scores),
                "dropped_losses": len(tables.losses) - len(after.losses),
                "references_too": everywhere,
            }
        )
        tables = after

    def filter_models(name: str, value: Any, keep: Callable[[pd.DataFrame], Any]) -> None:
        mask: Mask = np.asarray(keep(tables.models), dtype=bool)
        if not also_references:
            mask = mask | tables.models["is_reference"].to_numpy()
        note(name, value, tables.keep_models(mask), everywhere=bool(also_references))
        left = tables.models
        if not len(left) or (had_targets and not also_references and left["is_reference"].all()):
            kind = "model" if also_references else "target model"
            hint = "" if also_references else " (references=True filters the references too)"
            raise DataError(f"select: no {kind} is left after {name}={value!r}{hint}.")

    # Names are checked against the whole dataset, before any filter has shortened the lists.
    wanted_models = _known("model", models, tables.models["model"])
    wanted_families = _known("family", families, tables.models["family"])
    wanted_harness = _known("harness", harness, tables.scores["harness"])
    wanted_benchmarks = _known("benchmark", benchmarks, tables.benchmarks["benchmark"])
    wanted_sets = _known("loss set", loss_sets, dict.fromkeys(tables.losses["loss_set"]))
    allowed_recalled = _recalled_fields(recalled)

    if wanted_benchmarks is not None:
        kept = _keep_benchmarks(tables, wanted_benchmarks)
        note("benchmarks", wanted_benchmarks, kept, everywhere=True)
    if wanted_sets is not None:
        rows = tables.losses["loss_set"].isin(wanted_sets)
        note("loss_sets", wanted_sets, tables.replace(losses=tables.losses[rows]), everywhere=True)
    if wanted_harness is not None:
        rows = tables.scores["harness"].isin(wanted_harness)
        kept = tables.replace(scores=tables.scores[rows])
        note("harness", wanted_harness, kept, everywhere=True)
    if not len(tables.scores):
        raise DataError(
            f"select: no score is left after benchmarks={wanted_benchmarks!r}, "
            f"harness={wanted_harness!r}."
        )
    checked = [f for f in SOURCE_FIELDS if f not in (allowed_recalled or ())]
    # A comparison with NaT is False, so a model without a date is in no window.
    of_models: list[tuple[str, Any, Callable[[pd.DataFrame], Any]]] = [
        ("models", wanted_models, lambda m: m["model"].isin(wanted_models or ())),
        ("families", wanted_families, lambda m: m["family"].isin(wanted_families or ())),
        ("since", first and _iso(first), lambda m: m["release_date"] >= first),
        ("until", last and _iso(last), lambda m: m["release_date"] <= last),
        ("min_params", low, lambda m: m["n_params"] >= low),
        ("max_params", high, lambda m: m["n_params"] <= high),
        ("base_only", True if base_only else None, lambda m: m["is_base"]),
        (
            "compressed",
            None if compressed is None else bool(compressed),
            lambda m: m["is_compressed"] == compressed,
        ),
        ("recalled", _allowed(allowed_recalled), lambda m: ~_is_recalled(m, checked)),
    ]
    for name, value, keep in of_models:
        if value is not None:
            filter_models(name, value, keep)
    if min_benchmarks is not None:
        least = _check_min_benchmarks(min_benchmarks, tables)
        filter_models("min_benchmarks", least, lambda m: _core_counts(tables, m) >= least)
    return tables, log


def _allowed(recalled: Iterable[str] | None) -> list[str] | bool | None:
    """Return which fields may be recalled, as the selection notes it; None for no filter."""
    return None if recalled is None else sorted(recalled) or False


def keep_scores(tables: Tables, keep: Any, reason: str) -> tuple[Tables, dict[str, Any]]:
    """Keep some of the scores; `Dataset.keep_scores` documents it.

    Returns
    -------
    Tables, dict
        What is left, and the entry of the selection.
    """
    count = len(tables.scores)
    mask = np.asarray(keep)
    if mask.dtype != bool or mask.shape != (count,):
        raise DataError(
            f"keep must be {count} truth values, one for each score, not {mask.dtype} of shape "
            f"{mask.shape}."
        )
    if not mask.any():
        raise DataError(f"keep_scores: no score is left ({reason}).")
    entry = {
        "filter": "scores",
        "value": reason,
        "dropped_models": 0,
        "dropped_scores": int((~mask).sum()),
        "dropped_losses": 0,
        "references_too": True,
    }
    return tables.replace(scores=tables.scores[mask]), entry


def is_number(value: object) -> bool:
    """Whether a value is a finite real number; True and False are none."""
    return (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def as_names(option: str, value: object) -> list[str]:
    """Return one name or several as a list without repetitions.

    Raises
    ------
    DataError
        When it is neither text nor a non-empty collection of texts.

    Examples
    --------
    >>> as_names("models", "a"), as_names("models", ("b", "a", "b"))
    (['a'], ['b', 'a'])
    """
    if isinstance(value, str):
        return [value]
    names = list(value) if isinstance(value, Iterable) else [None]
    if not all(isinstance(name, str) for name in names):
        raise DataError(f"{option}={value!r}: allowed is a name or a list of names.")
    if not names:
        raise DataError(f"{option} is empty: give at least one name, or None for all.")
    return list(dict.fromkeys(str(name) for name in names))


def check_names(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise `UnknownNameError` for the first name that is not known."""
    listed = dict.fromkeys(known)
    for name in names:
        if name not in listed:
            raise UnknownNameError.of(what, name, listed)


def _check_flags(flags: Mapping[str, object]) -> None:
    for name, flag in flags.items():
        if not (flag is None or isinstance(flag, bool | np.bool_)):
            raise DataError(f"{name}={flag!r}: allowed are True, False and None.")


def _known(what: str, value: Names | None, known: Iterable[str]) -> list[str] | None:
    if value is None:
        return None
    option = {"family": "families", "harness": "harness", "loss set": "loss_sets"}.get(
        what, f"{what}s"
    )
    names = as_names(option, value)
    check_names(what, names, known)
    return names


def _keep_benchmarks(tables: Tables, names: list[str]) -> Tables:
    kept = tables.benchmarks.set_index("benchmark", drop=False).loc[names]
    return tables.replace(
        benchmarks=kept.assign(core=True),
        scores=tables.scores[tables.scores["benchmark"].isin(names)],
    )


def _day(option: str, value: Day | None) -> pd.Timestamp | None:
    if value is None:
        return None
    days, faults = parse_dates([value])
    if faults or np.isnat(days[0]):
        raise DataError(f"{option}={value!r} is not a day: allowed is an ISO day, '2023-07-18'.")
    return pd.Timestamp(days[0])


def _iso(day: pd.Timestamp) -> str:
    return day.date().isoformat()


def _window(
    since: Day | None, until: Day | None
) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    first, last = _day("since", since), _day("until", until)
    if first is not None and last is not None and first > last:
        raise DataError(
            f"since={_iso(first)} is after until={_iso(last)}: the window must not be reversed."
        )
    return first, last


def _sizes(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    for option, value in (("min_params", low), ("max_params", high)):
        if value is None:
            continue
        if not is_number(value) or value <= 0:
            raise DataError(f"{option}={value!r}: allowed is a count of parameters above 0.")
    if low is not None and high is not None and low > high:
        raise DataError(f"min_params={low:g} is more than max_params={high:g}.")
    return (None if low is None else float(low)), (None if high is None else float(high))


def _recalled_fields(value: bool | Names | None) -> set[str] | None:
    """Return the fields that may be recalled; None when all of them may."""
    if value is None or value is True:
        return None
    if value is False:
        return set()
    fields = as_names("recalled", value)
    check_names("field in recalled", fields, SOURCE_FIELDS)
    return set(fields)


def _is_recalled(models: pd.DataFrame, fields: list[str]) -> Mask:
    mask = np.zeros(len(models), dtype=bool)
    for field in fields:
        source = models[f"{field}_source"].str.casefold()
        mask |= source.str.contains("recalled", regex=False).to_numpy(dtype=bool)
    return mask


def _check_min_benchmarks(value: int, tables: Tables) -> int:
    core = int(tables.benchmarks["core"].sum())
    if not is_number(value) or value != int(value) or not 1 <= value <= core:
        raise DataError(
            f"min_benchmarks={value!r}: allowed is a whole number from 1 to {core}, "
            "the number of core benchmarks."
        )
    return int(value)


def _core_counts(tables: Tables, models: pd.DataFrame) -> NDArray[np.int64]:
    core = tables.benchmarks.loc[tables.benchmarks["core"], "benchmark"]
    scores = tables.scores[tables.scores["benchmark"].isin(core)]
    counts = scores.groupby("model")["benchmark"].nunique()
    return np.asarray(counts.reindex(models["model"], fill_value=0), dtype=np.int64)
