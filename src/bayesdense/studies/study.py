"""What a study found: one row for each specification, and what it rests on."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.data.atomic import write_text
from bayesdense.data.html import card
from bayesdense.errors import BayesdenseError
from bayesdense.paper import DOUBLING_MONTHS
from bayesdense.posterior.intervals import PROB, check_prob
from bayesdense.sampler.settings import SamplingSettings
from bayesdense.studies.decomposition import decompose
from bayesdense.tables.growth import ALL, NEW, Rate, doubling_time_table

__all__ = ["TAKEN", "Study"]

FORMAT = 2
TAKEN = frozenset(
    "models references scores draws rhat ess divergences median lower upper new_lower new_upper "
    "p_growth estimator trusted reason period benchmark prob kind undefined unit".split()
)
"""Columns of results, which no choice can be called after."""

COUNTS = ("models", "references", "scores", "draws", "rhat", "ess", "divergences")


@dataclass(frozen=True)
class StudyInfo:
    """How a study was made.

    Attributes
    ----------
    data, data_digest : str
        Name and SHA-256 of the dataset.
    model : str
        The call that makes the usual model.
    settings : SamplingSettings
        How each fit was sampled.
    versions : dict of str to str
        Of Python and of bayesdense.
    """

    data: str
    data_digest: str
    model: str
    settings: SamplingSettings
    versions: dict[str, str]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> StudyInfo:
        """Return what `dataclasses.asdict` made plain values of.

        Parameters
        ----------
        values : dict of str
            The plain values.

        Returns
        -------
        StudyInfo
        """
        return cls(**values | {"settings": SamplingSettings(**values["settings"])})


@dataclass(frozen=True)
class Study:
    """Fits of one question under several specifications.

    Attributes
    ----------
    name : str
        What was varied.
    choices : dict of str to list of str
        What was chosen between, by the name of each choice; the first option
        is the usual one.
    specifications : list of dict
        One for each fit: the option taken of each choice.
    outcomes : list of dict
        What each fit gave, in the same order: headline draws by estimator,
        period and benchmark (``rates``), counts, diagnostics, verdict, and a
        ``reason`` where there is no result.
    crossed : bool
        Whether every combination was fitted, or one choice changed at a time.
    info : StudyInfo, optional
        How it was made.
    """

    name: str
    choices: dict[str, list[str]]
    specifications: list[dict[str, str]]
    outcomes: list[dict[str, Any]]
    crossed: bool
    info: StudyInfo | None = None

    def summary(self, *, prob: float = PROB) -> pd.DataFrame:
        """Return the doubling time of each specification, over its benchmarks.

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            One row for each specification, the usual one first: a column for
            each choice, then ``median``, ``lower`` and ``upper`` (months, over
            these benchmarks), ``new_lower`` and ``new_upper`` (for a benchmark
            that is not among them; NaN where growth is common to all),
            ``p_growth``, ``estimator``, counts and worst diagnostics,
            ``trusted``, and ``reason``: why there is no result, or why it is
            not to be trusted.
        """
        check_prob(prob)
        rows = []
        for chosen, outcome in zip(self.specifications, self.outcomes, strict=True):
            row: dict[str, Any] = dict(chosen)
            found = {rate.benchmark: rate for rate in _headline(outcome)}
            months = _months(list(found.values()), prob)
            nothing = dict.fromkeys(("median", "lower", "upper", "p_growth"), np.nan)
            overall, new = months.get(ALL, nothing), months.get(NEW, nothing)
            row |= {name: overall[name] for name in ("median", "lower", "upper")}
            row |= {f"new_{name}": new[name] for name in ("lower", "upper")}
            row |= {"p_growth": overall["p_growth"]}
            row["estimator"] = found[ALL].estimator if found else ""
            row |= {name: outcome.get(name, np.nan) for name in COUNTS}
            row["trusted"] = bool(outcome["trusted"])
            good = outcome["trusted"] and not outcome["reason"]
            row["reason"] = outcome["reason"] or ("" if good else outcome["verdict"])
            rows.append(row)
        return pd.DataFrame(rows)

    def by_benchmark(self, *, prob: float = PROB) -> pd.DataFrame:
        """Return the doubling time of each specification on each benchmark.

        Parameters
        ----------
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            A column for each choice, then those of `DensityFit.doubling_time`.
        """
        parts = []
        for chosen, outcome in zip(self.specifications, self.outcomes, strict=True):
            table = doubling_time_table(_rates(outcome), prob=prob)
            for place, (name, option) in enumerate(chosen.items()):
                table.insert(place, name, option)
            parts.append(table)
        return pd.concat(parts, ignore_index=True)

    def growth_draws(self) -> list[np.ndarray]:
        """Return draws of the headline's growth rate, per year.

        Returns
        -------
        list of numpy.ndarray, shape (draw,)
            One for each specification; empty where it failed.
        """
        found = []
        for outcome in self.outcomes:
            draws = [rate.draws for rate in _headline(outcome) if rate.benchmark == ALL]
            found.append(draws[0].copy() if draws else np.empty(0))
        return found

    def share_holding(
        self, months: float | tuple[float, ...] | None = None, *, prob: float = PROB
    ) -> pd.DataFrame:
        """Return how many specifications have an interval that holds a doubling time.

        Parameters
        ----------
        months : float or tuple of float, optional
            The doubling times; those that the paper prints if not given.
        prob : float
            Probability of the intervals.

        Returns
        -------
        pandas.DataFrame
            Columns ``months``, ``specifications`` (with a result), ``holding``
            and ``share``.
        """
        table = self.summary(prob=prob).dropna(subset="median")
        rows = []
        months = tuple(DOUBLING_MONTHS.values()) if months is None else months
        for value in np.atleast_1d(months).tolist():
            holding = int(((table["lower"] <= value) & (value <= table["upper"])).sum())
            share = holding / len(table) if len(table) else np.nan
            rows.append(
                {"months": value, "specifications": len(table), "holding": holding, "share": share}
            )
        return pd.DataFrame(rows)

    def decomposition(self) -> pd.DataFrame:
        """Return which choice moves the answer most.

        The variance of the median growth rate over all specifications, split
        into that of each choice by itself, that of choices together, and beside
        it the posterior variance within a specification.

        Returns
        -------
        pandas.DataFrame
            Columns ``source``, ``variance`` (of the growth rate, per year
            squared), ``share`` (of the variance between specifications; NaN
            for that within) and ``range_months`` (between the lowest and the
            highest mean of an option).

        Raises
        ------
        BayesdenseError
            If one choice was changed at a time, which says nothing of choices
            together.
        """
        if not self.crossed:
            raise BayesdenseError("a decomposition needs all combinations: cross=True")
        return decompose(self.choices, self.specifications, self.growth_draws())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the study as one JSON file, completely or not at all.

        Parameters
        ----------
        path : path-like
            The file; its folder must exist.

        Returns
        -------
        pathlib.Path
        """
        file = Path(path)
        if not file.parent.is_dir():
            raise BayesdenseError(f"folder '{file.parent}' does not exist; make it first")
        content = {"bayesdense_study": FORMAT} | dataclasses.asdict(self)
        try:
            write_text(file, json.dumps(content))
        except OSError as error:
            raise BayesdenseError(f"cannot write '{file}': {error.strerror or error}") from None
        return file

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Study:
        """Read a study that `save` wrote.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        Study

        Raises
        ------
        BayesdenseError
            If it is not there, or no study of this version.
        """
        file = Path(path)
        try:
            content: Any = json.loads(file.read_text())
        except OSError as error:
            raise BayesdenseError(f"cannot read '{file}': {error.strerror or error}") from None
        except ValueError:
            raise BayesdenseError(f"'{file}' is not a study: it is no JSON") from None
        if not isinstance(content, dict) or content.pop("bayesdense_study", None) != FORMAT:
            raise BayesdenseError(f"'{file}' is not a study that this version of bayesdense reads")
        if set(content) != set(cls.__dataclass_fields__):
            raise BayesdenseError(f"'{file}' is not a whole study: some of its parts are missing")
        info = content.pop("info")
        return cls(**content, info=None if info is None else StudyInfo.from_dict(info))

    def __repr__(self) -> str:
        """Return the table, and what did not work."""
        table = self.summary()
        shown = table[self._shown()].to_string(index=False, float_format=lambda v: f"{v:.2f}")
        return "\n".join([self._title(), shown, *self._reasons(table)])

    def _repr_html_(self) -> str:
        """Return the table, and what did not work, for a notebook."""
        table = self.summary()
        return card(self._title(), *self._reasons(table), table=table[self._shown()])

    def _title(self) -> str:
        return f"Study of {self.name}: doubling time in months, 90 % intervals"

    def _shown(self) -> list[str]:
        """Return the columns that there is room for."""
        intervals = ["median", "lower", "upper", "new_lower", "new_upper"]
        return [*self.choices, *intervals, "models", "scores", "trusted"]

    def _reasons(self, table: pd.DataFrame) -> list[str]:
        """Return a line for each specification without a result, or with one not to be trusted."""
        rows = table[table["reason"] != ""].to_dict("records")
        return [f"{', '.join(str(r[n]) for n in self.choices)}: {r['reason']}" for r in rows]


def _rates(outcome: dict[str, Any]) -> list[Rate]:
    return [
        Rate(r["estimator"], r["period"], r["benchmark"], np.array(r["draws"], dtype=float))
        for r in outcome["rates"]
    ]


def _headline(outcome: dict[str, Any]) -> list[Rate]:
    """Return the rates of the first estimator in its first period."""
    found = _rates(outcome)
    if not found:
        return []
    first = (found[0].estimator, found[0].period)
    return [rate for rate in found if (rate.estimator, rate.period) == first]


def _months(found: list[Rate], prob: float) -> dict[str, dict[str, Any]]:
    if not found:
        return {}
    table = doubling_time_table(found, prob=prob)
    return {str(row["benchmark"]): row for row in table.to_dict("records")}  # type: ignore[misc]
