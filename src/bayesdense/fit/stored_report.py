"""What was known of a fit when it was saved: checks and tables, so that reading is quick."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bayesdense.fit.checks.base import CheckReport, CheckResult

__all__ = ["StoredReport"]


@dataclass(frozen=True)
class StoredReport:
    """Checks and tables of a fit, of all of its draws.

    Attributes
    ----------
    checks : CheckReport
        The checks.
    prob : float
        Probability of the intervals of the tables.
    tables : mapping of str to pandas.DataFrame
        By the method of the fit that returns them.
    """

    checks: CheckReport
    prob: float
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def table(self, name: str, prob: float | None = None) -> pd.DataFrame | None:
        """Return a copy of a table, or None where it is not stored.

        Parameters
        ----------
        name : str
            Of the table.
        prob : float, optional
            Probability of its intervals, where it has some.

        Returns
        -------
        pandas.DataFrame or None
        """
        found = self.tables.get(name)
        return None if found is None or prob not in (None, self.prob) else found.copy()

    def to_json(self) -> str:
        """Return everything as one text.

        Returns
        -------
        str
            JSON in which numbers may be ``NaN`` and ``Infinity``.
        """
        checks = [
            {
                "name": r.name,
                "passed": r.passed,
                "trust": r.trust,
                "text": r.text,
                "figures": _plain(r.figures),
            }
            for r in self.checks.results
        ]
        tables = {name: _plain(table) for name, table in self.tables.items()}
        return json.dumps({"checks": checks, "prob": self.prob, "tables": tables})

    @classmethod
    def from_json(cls, text: str) -> StoredReport:
        """Return what `to_json` was called on.

        Parameters
        ----------
        text : str
            What `to_json` returned.

        Returns
        -------
        StoredReport
        """
        found = json.loads(text)
        results = [
            CheckResult(**{**entry, "figures": _frame(entry["figures"])})
            for entry in found["checks"]
        ]
        tables = {name: _frame(table) for name, table in found["tables"].items()}
        return cls(CheckReport(tuple(results)), found["prob"], tables)


def _plain(frame: pd.DataFrame) -> dict[str, Any]:
    """Return a table as plain values: a list for each column, and its type."""
    dates = {name for name in frame if frame[name].dtype.kind == "M"}
    columns = {
        name: (frame[name].astype(str) if name in dates else frame[name]).tolist() for name in frame
    }
    return {"dtypes": {name: str(frame[name].dtype) for name in frame}, "columns": columns}


def _frame(plain: Mapping[str, Any]) -> pd.DataFrame:
    """Return the table that `_plain` was called on."""
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype=plain["dtypes"][name])
            for name, values in plain["columns"].items()
        }
    )
