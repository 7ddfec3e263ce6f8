"""Look at a dataset with a fit in mind: whether it can answer the question at all."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from bayesdense.data.dataset import Dataset
from bayesdense.data.plausibility import doubts
from bayesdense.data.select import Names, as_names
from bayesdense.errors import ReadinessError, near_match

__all__ = ["check_readiness", "check_ruler_readiness", "why_no_trend"]

MIN_REFERENCE_SIZES = 2
MIN_SIZE_SPAN = 3.0
# Standard errors of guessing that a score is above it, if it is clearly.
ABOVE_CHANCE = 3.0
# Standard errors within which the smallest and the largest reference score the same.
FLAT = 2.0
MIN_FAMILIES = 3
MIN_DATED_TARGETS = 3
MIN_DISTINCT_DAYS = 3
MIN_DAYS = 90
FEW_TARGETS = 5
FEW_FAMILIES = 5
NAMES_SHOWN = 5
WITHOUT_TREND = "; trend='none' gives densities without a trend"


def check_readiness(
    data: Dataset,
    *,
    benchmarks: Names | None = None,
    trend: bool = True,
    references: bool = True,
) -> list[str]:
    """Check that a dataset can inform a fit.

    Parameters
    ----------
    data : Dataset
        The dataset that is to be fitted.
    benchmarks : str or iterable of str, optional
        The benchmarks that are used; the core ones by default.
    trend : bool
        Whether a growth rate is wanted, for which dates are needed; without
        one no date is looked at.
    references : bool
        Whether references make the ruler. If not, all models are targets, and
        families with models of several sizes are needed.

    Returns
    -------
    list of str
        Warnings, one sentence each: what will rest on priors or be left out.
        The caller decides how to show them.

    Raises
    ------
    ReadinessError
        With everything that makes a fit meaningless: a benchmark that is not
        there, no references, a benchmark on which fewer than two reference
        sizes have scores, no targets, or dates too few or too close together
        for a trend.

    Examples
    --------
    >>> from bayesdense.data import load_dataset
    >>> check_readiness(load_dataset("densing5").select(since="2023-02-01", base_only=True))
    []
    """
    if not references:
        data = data.without_references()
    used = _used_benchmarks(data, benchmarks)
    scores = data.scores[data.scores["benchmark"].isin(used)]
    scored = set(scores["model"])
    rulers, targets = data.references, data.targets
    informed = targets[targets["model"].isin(scored)]

    blocking = (
        _reference_problems(rulers, scores, used)
        if references
        else _family_problems(targets, scores, used)
    )
    if not len(targets):
        blocking.append("there are no target models: every model is a reference")
    elif not len(informed):
        blocking.append(f"no target model has a score on {_listed(used)}")
    elif trend and (problem := why_no_trend(data, used)):
        blocking.append(f"{problem}{WITHOUT_TREND}")
    if blocking:
        lines = "".join(f"\n  {problem}" for problem in blocking)
        raise ReadinessError(f"dataset '{data.name}' is not ready to be fitted:{lines}")

    warnings = [doubt.text for doubt in doubts(data, used) if trend or doubt.subject != "dates"]
    warnings += _ruler_warnings(data, rulers, scores, used) if references else []
    for benchmark in used:
        rows = scores[scores["benchmark"] == benchmark]
        count = rows.loc[rows["model"].isin(targets["model"]), "model"].nunique()
        if count < FEW_TARGETS:
            warnings.append(
                f"benchmark '{benchmark}' has {count} target models; with fewer than "
                f"{FEW_TARGETS} its own {'growth' if trend else 'level'} rests on the prior."
            )
    if trend:
        warnings += _date_warnings(informed)
    undated = int(informed["release_date"].isna().sum())
    if trend and undated:
        warnings.append(
            f"{undated} of {len(informed)} targets have no release date: they have a density "
            "but no place in the trend."
        )
    idle = targets.loc[~targets["model"].isin(scored), "model"].tolist()
    if idle:
        warnings.append(
            f"{len(idle)} targets have no score on a used benchmark, carry no information and "
            f"are left out: {_listed(idle)}."
        )
    if references:
        warnings += _harness_warnings(scores, set(rulers["model"]), used)
        warnings += _loss_warnings(data, set(rulers["model"]), used)
    return warnings


def _used_benchmarks(data: Dataset, benchmarks: Names | None) -> list[str]:
    """Return the benchmarks that a fit would use, all of which there must be."""
    used = data.core_benchmarks if benchmarks is None else as_names("benchmarks", benchmarks)
    known = data.benchmarks["benchmark"].tolist()
    unknown = [b for b in used if b not in known]
    if unknown:
        raise ReadinessError(f"unknown benchmark '{unknown[0]}': {near_match(unknown[0], known)}")
    if not used:
        raise ReadinessError("no benchmark is marked core: name the benchmarks to use.")
    return list(used)


def check_ruler_readiness(data: Dataset) -> list[str]:
    """Check that the references of a dataset can fix a ruler.

    Parameters
    ----------
    data : Dataset
        The dataset; its targets play no part.

    Returns
    -------
    list of str
        Warnings, one sentence each: what will rest on priors.

    Raises
    ------
    ReadinessError
        If there are no references, they have neither losses nor scores on a
        core benchmark, or a benchmark has references of one size only.

    Examples
    --------
    >>> from bayesdense.data import load_dataset
    >>> check_ruler_readiness(load_dataset("olmo_ladder"))
    []
    """
    references = data.references
    names = set(references["model"])
    scores = data.scores[data.scores["model"].isin(names)]
    scores = scores[scores["benchmark"].isin(data.core_benchmarks)]
    used = [b for b in data.core_benchmarks if b in set(scores["benchmark"])]
    blocking = _reference_problems(references, scores, used)
    if not blocking and not used and not data.losses["model"].isin(names).any():
        blocking = ["the reference models have neither losses nor scores on a core benchmark"]
    if blocking:
        lines = "".join(f"\n  {problem}" for problem in blocking)
        raise ReadinessError(f"dataset '{data.name}' is not ready to be fitted:{lines}")
    found = [doubt.text for doubt in doubts(data, used, references_only=True)]
    return found + _ruler_warnings(data, references, scores, used)


def _listed(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _reference_sizes(
    references: pd.DataFrame, scores: pd.DataFrame, benchmark: str
) -> pd.Series[float]:
    scored = scores.loc[scores["benchmark"] == benchmark, "model"]
    return references.loc[references["model"].isin(scored), "n_params"].drop_duplicates()


def _reference_problems(
    references: pd.DataFrame, scores: pd.DataFrame, used: list[str]
) -> list[str]:
    if not len(references):
        return [
            "there are no reference models: mark some with is_reference, or choose them with "
            "with_reference(families=...) or with_reference(dataset=...)"
        ]
    sizes = {b: len(_reference_sizes(references, scores, b)) for b in used}
    short = [f"{b} ({n})" for b, n in sizes.items() if n < MIN_REFERENCE_SIZES]
    if not short:
        return []
    return [
        f"reference models of at least {MIN_REFERENCE_SIZES} different sizes must have scores on "
        f"each benchmark; too few sizes on {', '.join(short)}"
    ]


def _family_problems(targets: pd.DataFrame, scores: pd.DataFrame, used: list[str]) -> list[str]:
    """Complain about benchmarks on which families say nothing of what a size is worth."""
    columns = ["model", "family", "n_params"]
    rows = scores[["model", "benchmark"]].drop_duplicates().merge(targets[columns], on="model")
    sizes = rows.groupby(["benchmark", "family"])["n_params"].nunique()
    several = (sizes > 1).groupby("benchmark").sum().reindex(used, fill_value=0)
    short = [f"{b} ({n})" for b, n in several.items() if n < MIN_FAMILIES]
    if not short:
        return []
    return [
        f"at least {MIN_FAMILIES} families must have models of different sizes with scores on each "
        f"benchmark; too few on {', '.join(short)}"
    ]


def why_no_trend(data: Dataset, benchmarks: Iterable[str] | None = None) -> str:
    """Say why the dates of a dataset cannot carry a trend.

    Parameters
    ----------
    data : Dataset
        The dataset.
    benchmarks : iterable of str, optional
        The benchmarks that are used; the core ones by default.

    Returns
    -------
    str
        Empty where they can.

    Examples
    --------
    >>> from bayesdense.data import load_dataset
    >>> why_no_trend(load_dataset("densing5"))
    ''
    """
    used = data.core_benchmarks if benchmarks is None else list(benchmarks)
    scored = set(data.scores.loc[data.scores["benchmark"].isin(used), "model"])
    targets = data.targets
    dates = targets.loc[targets["model"].isin(scored), "release_date"].dropna()
    if len(dates) < MIN_DATED_TARGETS:
        return (
            f"targets with scores and a release date: {len(dates)}; a trend needs at least "
            f"{MIN_DATED_TARGETS}"
        )
    days = (dates.max() - dates.min()).days
    if days < MIN_DAYS:
        return (
            f"the dated targets were released within {days} days; dates must be spread over at "
            f"least {MIN_DAYS} days for a trend"
        )
    distinct = dates.dt.normalize().nunique()
    if distinct < MIN_DISTINCT_DAYS:
        return (
            f"the dated targets were released on {distinct} days; a trend needs at least "
            f"{MIN_DISTINCT_DAYS}, or date and family cannot be told apart"
        )
    return ""


def _ruler_warnings(
    data: Dataset, references: pd.DataFrame, scores: pd.DataFrame, used: list[str]
) -> list[str]:
    """Say where references do not fix the ruler: too alike in size, or all at chance."""
    warnings = []
    table = data.benchmarks.set_index("benchmark")["chance"]
    for benchmark in used:
        sizes = _reference_sizes(references, scores, benchmark)
        span = float(sizes.max() / sizes.min())
        if span < MIN_SIZE_SPAN:
            warnings.append(
                f"reference sizes on benchmark '{benchmark}' span a factor of {span:.2g}; below "
                f"{MIN_SIZE_SPAN:g} the ruler rests on the prior."
            )
        rows = scores[scores["model"].isin(references["model"])]
        rows = rows[rows["benchmark"] == benchmark]
        chance = float(table[benchmark])
        # Of guessing; where that is never right, of one right answer.
        share = np.maximum(chance, 1.0 / rows["n_items"])
        error = np.sqrt(share * (1.0 - share) / rows["n_items"])
        if not (rows["score"] > chance + ABOVE_CHANCE * error).any():
            warnings.append(
                f"on benchmark '{benchmark}' no reference scores clearly above chance "
                f"({chance:g}; the best has {rows['score'].max():.3g}): how scores rise with size "
                "there rests on the prior, and on the targets."
            )
        elif span >= MIN_SIZE_SPAN and (flat := _flat(rows, references)):
            warnings.append(
                f"on benchmark '{benchmark}' references score much the same whatever their size "
                f"({flat}): its scores say little of effective sizes; look whether they are right, "
                "or leave the benchmark out."
            )
    return warnings


def _flat(rows: pd.DataFrame, references: pd.DataFrame) -> str:
    """Return the scores of the smallest and largest references if chance can explain both."""
    by_size = rows.merge(references[["model", "n_params"]], on="model").groupby("n_params")
    means, items = by_size["score"].mean(), by_size["n_items"].sum()
    error = np.sqrt(means * (1.0 - means) / items)
    smallest, largest = means.index[0], means.index[-1]
    if abs(means[largest] - means[smallest]) > FLAT * np.hypot(error[largest], error[smallest]):
        return ""
    return (
        f"{means[smallest]:.3g} at {smallest:.2g} parameters, {means[largest]:.3g} at {largest:.2g}"
    )


def _date_warnings(targets: pd.DataFrame) -> list[str]:
    """Say where each of a few families has a date of its own."""
    dated = targets.dropna(subset=["release_date"])
    days = dated.groupby("family")["release_date"].agg(
        lambda dates: (dates.max() - dates.min()).days
    )
    if not 0 < len(days) < FEW_FAMILIES or days.max() >= MIN_DAYS:
        return []
    return [
        f"the dated targets are of {len(days)} families, none of which has models over {MIN_DAYS} "
        f"days or more ({_listed(sorted(days.index))}): growth cannot be told from what "
        "distinguishes these families, and its interval rests on the prior of their effects."
    ]


def _harness_warnings(scores: pd.DataFrame, references: set[str], used: list[str]) -> list[str]:
    alike: dict[tuple[str, str], list[str]] = {}
    for benchmark in used:
        rows = scores[scores["benchmark"] == benchmark]
        is_reference = rows["model"].isin(references)
        of_references = set(rows.loc[is_reference, "harness"])
        of_targets = set(rows.loc[~is_reference, "harness"])
        cut_off = sorted(
            harness
            for group in _linked(rows.groupby("model")["harness"].agg(set))
            if not group & of_references
            for harness in group & of_targets
        )
        if cut_off:
            sides = ", ".join(cut_off), ", ".join(sorted(of_references))
            alike.setdefault(sides, []).append(benchmark)
    return [
        f"on {', '.join(benchmarks)} no model links harness {apart} to those of the references "
        f"({theirs}); harness offset and density are confounded there; the answer rests on the "
        "prior of the offset."
        for (apart, theirs), benchmarks in alike.items()
    ]


def _loss_warnings(data: Dataset, references: set[str], used: list[str]) -> list[str]:
    """Say where references have losses, and none of them is read."""
    there = data.losses.loc[data.losses["model"].isin(references), "loss_set"].unique()
    table = data.benchmarks
    read = table.loc[table["benchmark"].isin(used), "loss_set"]
    if not len(there) or read.isin(there).any():
        return []
    return [
        f"losses of the references are on {_listed(sorted(there))}, and no used benchmark is read "
        "through them: only scores make the ruler. Through which losses a benchmark is read, the "
        f"column loss_set of benchmarks.csv says; it has {_listed(sorted(set(read)))}."
    ]


def _linked(harnesses_of_models: Iterable[set[str]]) -> list[set[str]]:
    """Join harnesses that one model was scored by, until the groups are disjoint."""
    groups: list[set[str]] = []
    for harnesses in harnesses_of_models:
        touching = [g for g in groups if g & harnesses]
        groups = [g for g in groups if not g & harnesses]
        groups.append(harnesses.union(*touching))
    return groups
