"""Choices by when a benchmark was published: what nobody could train on, and what is new.

A model that was released before a benchmark was published cannot have been trained on it. Growth
that is faster after publication than before is a sign of contamination, and so is faster growth
on old benchmarks than on new ones; neither is a proof, since what is old is also easier.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from bayesdense.data import Dataset
from bayesdense.errors import BayesdenseError
from bayesdense.studies.sensitivity import Options
from bayesdense.tables.growth import ALL

__all__ = ["PUBLISHED", "age_of_benchmarks", "publication"]

# First version on arXiv, of the paper that introduced each.
PUBLISHED: dict[str, str] = {
    "LAMBADA": "2016-06-20",  # 1606.06031
    "TriviaQA": "2017-05-09",  # 1705.03551
    "ARC-C": "2018-03-14",  # 1803.05457
    "ARC-E": "2018-03-14",  # 1803.05457
    "DROP": "2019-03-01",  # 1903.00161
    "HellaSwag": "2019-05-19",  # 1905.07830
    "BoolQ": "2019-05-24",  # 1905.10044
    "WinoGrande": "2019-07-24",  # 1907.10641
    "PIQA": "2019-11-26",  # 1911.11641
    "LogiQA": "2020-07-16",  # 2007.08124
    "MMLU": "2020-09-07",  # 2009.03300
    "MATH": "2021-03-05",  # 2103.03874
    "HumanEval": "2021-07-07",  # 2107.03374
    "MBPP": "2021-08-16",  # 2108.07732
    "GSM8K": "2021-10-27",  # 2110.14168
    "BBH": "2022-10-17",  # 2210.09261
    "C-Eval": "2023-05-15",  # 2305.08322
    "GPQA": "2023-11-20",  # 2311.12022
    "MMLU-Pro": "2024-06-03",  # 2406.01574
}
"""Days on which benchmarks were published."""


def publication(data: Dataset, published: Mapping[str, str] | None = None) -> Options:
    """Return all scores, and those of models from before and from after the benchmark.

    Parameters
    ----------
    data : Dataset
        Scores of references stay; those of targets without a day of release
        are dropped.
    published : mapping of str to str, optional
        Days in ISO form by benchmark, beside `PUBLISHED` or in its place.

    Returns
    -------
    dict of str to change
        An option with which no target would have a score is left out.

    Raises
    ------
    BayesdenseError
        If a core benchmark has no day, a day is none, or all targets with
        scores are on one side of the days, so that there is nothing to compare.

    Examples
    --------
    >>> import bayesdense as bd
    >>> data = bd.load_dataset("leaderboard")
    >>> list(bd.studies.choices.publication(data))
    ['all scores', 'models from before the benchmark', 'models from after the benchmark']
    """
    days = _days(data, published)
    found: Options = {"all scores": None}
    is_target = ~data.scores["model"].isin(data.references["model"])
    targets = (data.scores["benchmark"].isin(days) & is_target).to_numpy()
    for label, before in (("before", True), ("after", False)):
        side = _of_targets(data, days, before=before)
        if targets.any() and side[targets].all():
            raise BayesdenseError(
                f"all targets of '{data.name}' were released {label} the benchmarks on which they "
                "have scores: there is nothing to compare"
            )
        if side.any():
            change = partial(_only, days=days, before=before)
            found[f"models from {label} the benchmark"] = change
    return found


def age_of_benchmarks(
    data: Dataset, *, since: str, published: Mapping[str, str] | None = None
) -> Options:
    """Return all core benchmarks, those published before a day, and those published since.

    Parameters
    ----------
    data : Dataset
        With at least two core benchmarks; models stay, scores are dropped.
    since : str
        First day of the newer ones, in ISO form.
    published : mapping of str to str, optional
        As for `publication`.

    Returns
    -------
    dict of str to change

    Raises
    ------
    BayesdenseError
        If a core benchmark has no day, a day is none, or all are on one side.

    Examples
    --------
    >>> import bayesdense as bd
    >>> data = bd.load_dataset("densing5")
    >>> list(bd.studies.choices.age_of_benchmarks(data, since="2022-01-01"))
    ['all benchmarks', 'published before 2022-01-01', 'published since 2022-01-01']
    """
    days = _days(data, published)
    first = _day(since, "since")
    older = [name for name in data.core_benchmarks if days[name] < first]
    newer = [name for name in data.core_benchmarks if days[name] >= first]
    if not older or not newer:
        raise BayesdenseError(
            f"all core benchmarks of '{data.name}' were published "
            f"{'since' if newer else 'before'} {since}: they were published from "
            f"{min(days.values()):%Y-%m-%d} to {max(days.values()):%Y-%m-%d}"
        )
    return {
        ALL: None,
        f"published before {since}": partial(Dataset.select, benchmarks=older),
        f"published since {since}": partial(Dataset.select, benchmarks=newer),
    }


def _days(data: Dataset, published: Mapping[str, str] | None) -> dict[str, pd.Timestamp]:
    """Return the day of every core benchmark."""
    known = {**PUBLISHED, **(published or {})}
    missing = [name for name in data.core_benchmarks if name not in known]
    if missing:
        raise BayesdenseError(
            f"nobody said when benchmark '{missing[0]}' was published: give "
            f"published={{'{missing[0]}': '2024-01-31'}} with the right day"
        )
    return {name: _day(known[name], name) for name in data.core_benchmarks}


def _day(text: str, what: str) -> pd.Timestamp:
    try:
        return pd.Timestamp(pd.to_datetime(text, format="%Y-%m-%d"))
    except (TypeError, ValueError):
        raise BayesdenseError(f"{what}: {text!r} is no ISO day such as 2024-01-31") from None


def _of_targets(data: Dataset, days: Mapping[str, pd.Timestamp], *, before: bool) -> np.ndarray:
    """Return which scores are of targets from one side of the day of their benchmark."""
    models = data.models.set_index("model")
    own = models.loc[data.scores["model"]]
    released = pd.to_datetime(own["release_date"]).to_numpy()
    day = pd.to_datetime(data.scores["benchmark"].map(days)).to_numpy()
    # What has no day is on neither side.
    side = released < day if before else released >= day
    return np.asarray(side & ~own["is_reference"].to_numpy(dtype=bool))


def _only(data: Dataset, *, days: Mapping[str, pd.Timestamp], before: bool) -> Dataset:
    models = data.models.set_index("model")
    of_reference = models.loc[data.scores["model"], "is_reference"].to_numpy(dtype=bool)
    kept = of_reference | _of_targets(data, days, before=before)
    reason = f"models from {'before' if before else 'after'} the benchmark"
    return data.keep_scores(kept, reason=reason)
