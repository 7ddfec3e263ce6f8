"""What a dataset may say and is hardly true: slips of dates, other units, rescaled scores.

Each is said before a fit, and a check of the fit repeats it: an interval says nothing of them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesdense.data.cells import DAYS_PER_YEAR
from bayesdense.data.dataset import Dataset

__all__ = ["Doubt", "doubts"]

NAMES_SHOWN = 5
# No language model of which scores are collected is smaller or larger, or was trained on less.
SIZES, TOKENS = (1e6, 1e14), (1e7, 1e15)
TOKENS_PER_PARAMETER = (0.2, 1e6)
# A group of models is far from all others at this distance in years, if it is at most this share.
FAR_YEARS, FEW = 2.0, 0.1
# Of the squared distances of all dates from their mean: with more, the trend hangs on those models.
MOST_LEVERAGE = 0.25
# Standard errors of guessing that a score is below it, if it is clearly; and how many such scores
# chance leaves.
BELOW_CHANCE, CHANCE_SHARE, FEW_BELOW, RESCALED_SHARE = 3.0, 0.1, 2, 0.4
# Rank correlation of score and size below which a ruler falls, over at least so many sizes.
FALLING, FEWEST_SIZES = -0.5, 3


@dataclass(frozen=True)
class Doubt:
    """Something in a dataset that is hardly true.

    Attributes
    ----------
    subject : str
        ``"dates"``, ``"sizes"``, ``"tokens"``, ``"scores"`` or ``"ruler"``.
    text : str
        What it is and what to do, as one sentence.
    grave : bool
        Whether no fit of these data is to be trusted.
    """

    subject: str
    text: str
    grave: bool


def doubts(
    data: Dataset,
    benchmarks: Iterable[str],
    *,
    references_only: bool = False,
    today: datetime.date | None = None,
) -> list[Doubt]:
    """Return what is hardly true of the models and scores that a fit would use.

    Parameters
    ----------
    data : Dataset
        The dataset.
    benchmarks : iterable of str
        The benchmarks that are used.
    references_only : bool
        Whether targets play no part.
    today : datetime.date, optional
        The day after which no model can have been released; today by default.

    Returns
    -------
    list of Doubt

    Examples
    --------
    >>> from bayesdense.data import load_dataset
    >>> data = load_dataset("densing5")
    >>> doubts(data.select(since="2023-02-01"), data.core_benchmarks)
    []
    """
    used = list(benchmarks)
    scores = data.scores[data.scores["benchmark"].isin(used)]
    models = data.references if references_only else data.models
    scores = scores[scores["model"].isin(models["model"])]
    measured = set(scores["model"]) | set(data.losses["model"])
    models = models[models["model"].isin(measured)]
    found = _of_dates(models, today or datetime.datetime.now(tz=datetime.UTC).date())
    found += _of_sizes(models)
    found += _below_chance(data.benchmarks, scores, used)
    return found + _of_ruler(data, scores, used)


def _listed(rows: pd.DataFrame, column: str) -> str:
    """Name models with what is doubted of them."""
    values = rows[column]
    if column == "release_date":
        shown = values.dt.strftime("%Y-%m-%d")
    else:
        shown = values.map(lambda value: f"{value:g}")
    named = [f"{m} ({v})" for m, v in zip(rows["model"], shown, strict=True)]
    more = len(named) - NAMES_SHOWN
    return ", ".join(named[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"


def _of_dates(models: pd.DataFrame, today: datetime.date) -> list[Doubt]:
    """Doubt days after today, and models that are years away from all others."""
    dated = models.dropna(subset=["release_date"]).sort_values("release_date", kind="stable")
    late = dated["release_date"] > pd.Timestamp(today)
    found = []
    if late.any():
        found.append(
            Doubt(
                "dates",
                f"{_models(int(late.sum()))} with a release date after today: "
                f"{_listed(dated[late], 'release_date')}; correct the year in models.csv.",
                grave=True,
            )
        )
    dated = dated[~late]
    if not len(dated):
        return found
    years = dated["release_date"].diff().dt.days.to_numpy() / DAYS_PER_YEAR
    group = np.cumsum(np.nan_to_num(years) > FAR_YEARS)
    sizes = np.bincount(group)
    few = np.flatnonzero((sizes <= max(FEW * len(dated), 1)) & (sizes < sizes.max()))
    far = dated[np.isin(group, few)]
    if len(far):
        days = dated["release_date"].astype("int64").to_numpy(dtype=float)
        squares = (days - days.mean()) ** 2
        leverage = squares[np.isin(group, few)].sum() / squares.sum()
        found.append(
            Doubt(
                "dates",
                f"{_models(len(far))} released more than {FAR_YEARS:g} years from all others: "
                f"{_listed(far, 'release_date')}; the trend hangs on such a date: look whether it "
                "is right, or leave the model out.",
                grave=bool(leverage > MOST_LEVERAGE),
            )
        )
    return found


def _of_sizes(models: pd.DataFrame) -> list[Doubt]:
    """Doubt sizes and token counts in another unit."""
    found = []
    for column, (low, high), subject in (
        ("n_params", SIZES, "sizes"),
        ("n_active", SIZES, "sizes"),
        ("n_tokens", TOKENS, "tokens"),
    ):
        values = models[column]
        for rows, which, advice in (
            (
                models[values < low],
                f"below {low:g}",
                "multiply them by 1e6 if they are in millions",
            ),
            (models[values > high], f"above {high:g}", "give plain numbers, such as 7e9"),
        ):
            if len(rows):
                found.append(
                    Doubt(
                        subject,
                        f"{column} of {_models(len(rows))} is {which}: {_listed(rows, column)}; "
                        f"no model is like that: {advice}.",
                        grave=True,
                    )
                )
    known = models.assign(ratio=models["n_tokens"] / models["n_params"])
    plain = known["n_params"].between(*SIZES) & known["n_tokens"].between(*TOKENS)
    low, high = TOKENS_PER_PARAMETER
    odd = known[plain & ((known["ratio"] < low) | (known["ratio"] > high))]
    if len(odd):
        found.append(
            Doubt(
                "tokens",
                f"training tokens per parameter of {_models(len(odd))} are below {low:g} or above "
                f"{high:g}: {_listed(odd, 'ratio')}; look for sizes or tokens in another unit.",
                grave=False,
            )
        )
    return found


def _below_chance(table: pd.DataFrame, scores: pd.DataFrame, used: list[str]) -> list[Doubt]:
    """Doubt the chance level of benchmarks with many scores clearly below it."""
    chances = table.set_index("benchmark")["chance"]
    found = []
    for benchmark in used:
        rows, chance = scores[scores["benchmark"] == benchmark], float(chances[benchmark])
        error = np.sqrt(chance * (1.0 - chance) / rows["n_items"])
        below = rows["score"] < chance - BELOW_CHANCE * error
        if below.sum() > max(CHANCE_SHARE * len(rows), FEW_BELOW):
            found.append(
                Doubt(
                    "scores",
                    f"on benchmark '{benchmark}' {int(below.sum())} of {len(rows)} scores lie more "
                    f"than {BELOW_CHANCE:g} standard errors below chance ({chance:g}; the lowest "
                    f"is {rows['score'].min():.3g}): if they were rescaled so that guessing gives "
                    "0, set chance to 0 in benchmarks.csv; if answers were not understood, leave "
                    "those scores out.",
                    grave=bool(below.mean() > RESCALED_SHARE),
                )
            )
    return found


def _of_ruler(data: Dataset, scores: pd.DataFrame, used: list[str]) -> list[Doubt]:
    """Doubt references of which the larger ones score no better."""
    references = data.references[["model", "n_params"]]
    rows = scores.merge(references, on="model")
    ranks, sizes = {}, {}
    for benchmark in used:
        own = rows[rows["benchmark"] == benchmark]
        mean = own.groupby("n_params")["score"].mean().reset_index()
        if len(mean) >= FEWEST_SIZES and mean["score"].nunique() > 1:
            ranks[benchmark] = float(mean.corr(method="spearman").to_numpy()[0, 1])
            sizes[benchmark] = len(mean)
    falling = {benchmark: rank for benchmark, rank in ranks.items() if rank < FALLING}
    # On one benchmark of many that is a curiosity, on most of them a slip.
    grave = len(falling) > 0.5 * len(ranks)
    return [
        Doubt(
            "ruler",
            f"on benchmark '{benchmark}' larger references score worse (rank correlation "
            f"{rank:.2f} over {sizes[benchmark]} sizes): look for sizes or scores of references "
            "that were exchanged, or leave the benchmark out.",
            grave=grave,
        )
        for benchmark, rank in falling.items()
    ]
