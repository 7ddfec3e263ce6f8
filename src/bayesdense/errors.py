"""Every error and warning that bayesdense raises on purpose.

All errors derive from `BayesdenseError`, so a caller can catch them with one
clause, and from the builtin that fits (`ValueError`, `KeyError`,
`RuntimeError`), so code that knows nothing of bayesdense still works.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "BayesdenseError",
    "BayesdenseWarning",
    "DataError",
    "DiagnosticsWarning",
    "FitFileError",
    "PriorError",
    "Problem",
    "ReadinessError",
    "ReadinessWarning",
    "SamplingError",
    "UnknownNameError",
    "near_match",
]

MAX_KINDS_SHOWN = 30
MAX_PLACES_SHOWN = 3
MAX_NAMES_SHOWN = 30
MAX_VALUE_LENGTH = 60


class BayesdenseError(Exception):
    """Base of all errors of this package."""


class BayesdenseWarning(UserWarning):
    """Base of all warnings of this package."""


class ReadinessWarning(BayesdenseWarning):
    """A dataset can be fitted, but part of the answer will rest on priors."""


class DiagnosticsWarning(BayesdenseWarning):
    """A posterior that its diagnostics say is not to be trusted."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one table.

    Parameters
    ----------
    table : str
        Name of the table, such as ``"scores"``.
    row : int, str or None
        Where: a line of the file (the header is line 1) or an index label of
        a frame; None when the whole column or table is meant.
    column : str or None
        Name of the column; None when the whole table is meant.
    value : object
        What was found there; None when nothing was.
    message : str
        What is wrong with it and what is allowed.
    row_label : {"row", "line"}
        What messages call `row`.
    kind : str
        The message without what is special about this row, for problems whose
        messages differ. Problems of one table, column and kind are shown as
        one line; by default those with the same message are.

    Examples
    --------
    >>> print(Problem("models", 7, "n_params", "-3", "is not above 0", "line"))
    models, line 7, column 'n_params', value '-3': is not above 0
    """

    table: str
    row: int | str | None
    column: str | None
    value: Any
    message: str
    row_label: str = "row"
    kind: str = ""

    def __str__(self) -> str:
        """Return the problem as one line."""
        place = [self.table]
        if self.row is not None:
            place.append(f"{self.row_label} {self.row}")
        if self.column is not None:
            place.append(f"column '{self.column}'")
        if self.value is not None:
            place.append(f"value {_shortened(self.value, MAX_VALUE_LENGTH)}")
        return f"{', '.join(place)}: {self.message}"


def _shortened(value: Any, length: int) -> str:
    shown = repr(value)
    return shown if len(shown) <= length else shown[: length - 3] + "..."


def _one_line(alike: Sequence[Problem]) -> str:
    """Return problems of one kind as one line: how many, what, and where the first ones are."""
    first = alike[0]
    if len(alike) == 1 or first.row is None:
        return str(first)
    what = first.kind or first.message
    place = first.table if first.column is None else f"{first.table}, column '{first.column}'"
    shown = ", ".join(str(problem.row) for problem in alike[:MAX_PLACES_SHOWN])
    more = len(alike) - MAX_PLACES_SHOWN
    where = f"{first.row_label}s {shown}{f' and {more:,} more' if more > 0 else ''}"
    values = list(
        dict.fromkeys(
            _shortened(problem.value, MAX_VALUE_LENGTH // 2)
            for problem in alike
            if problem.value is not None and str(problem.value).strip()
        )
    )
    if values:
        where += f"; value{'s' if len(values) > 1 else ''} {', '.join(values[:MAX_PLACES_SHOWN])}"
        where += ", ..." if len(values) > MAX_PLACES_SHOWN else ""
    return f"{place}, {len(alike):,} rows: {what} ({where})"


class DataError(BayesdenseError, ValueError):
    """Data that cannot be used as they are.

    Parameters
    ----------
    message : str
        The sentence shown to the user.
    problems : iterable of Problem
        The single findings behind it, all of them.

    Attributes
    ----------
    problems : list of Problem
        Every finding, also those that the message leaves out for length.
    """

    problems: list[Problem]

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = list(problems)

    @classmethod
    def from_problems(cls, problems: Sequence[Problem], *, where: str = "the data") -> DataError:
        """Make the one error that lists all problems, one line for each kind of them.

        Problems of one table, column and kind are one line with their number,
        the first three places and the first three values. Lines come in the
        order in which the first problem of each kind was found, which is that
        of files and columns, so that a user mends one file after the other.

        Parameters
        ----------
        problems : sequence of Problem
            At least one.
        where : str
            What was checked: a folder or the name of a dataset.

        Returns
        -------
        DataError
            Ready to be raised; its `problems` are all of them.

        Examples
        --------
        >>> error = DataError.from_problems([Problem("models", None, None, None, "is missing")])
        >>> print(error)
        1 problem in the data:
          models: is missing
        >>> rows = [Problem("scores", i, "score", "", "is missing", "line") for i in range(2, 9)]
        >>> print(DataError.from_problems(rows))
        7 problems of 1 kind in the data:
          scores, column 'score', 7 rows: is missing (lines 2, 3, 4 and 4 more)
        """
        kinds: dict[tuple[str, str | None, bool, str], list[Problem]] = {}
        for problem in problems:
            key = (
                problem.table,
                problem.column,
                problem.row is None,
                problem.kind or problem.message,
            )
            kinds.setdefault(key, []).append(problem)
        count = len(problems)
        head = f"{count:,} problem{'s' if count != 1 else ''}"
        if len(kinds) < count:
            head += f" of {len(kinds):,} kind{'s' if len(kinds) != 1 else ''}"
        lines = [f"{head} in {where}:"]
        lines += [f"  {_one_line(alike)}" for alike in list(kinds.values())[:MAX_KINDS_SHOWN]]
        if len(kinds) > MAX_KINDS_SHOWN:
            lines.append(f"  ... and {len(kinds) - MAX_KINDS_SHOWN:,} more kinds")
        return cls("\n".join(lines), problems)


class UnknownNameError(BayesdenseError, KeyError):
    """A name that is not among the known ones."""

    @classmethod
    def of(cls, what: str, name: object, known: Iterable[str]) -> UnknownNameError:
        """Make the error for one unknown name.

        Parameters
        ----------
        what : str
            What kind of thing was asked for, such as ``"dataset"``.
        name : object
            The name that was given.
        known : iterable of str
            The names that would have worked.

        Returns
        -------
        UnknownNameError
            With the near match and the known names in its message.

        Examples
        --------
        >>> print(UnknownNameError.of("law", "power", ["power-sum", "kaplan"]))
        unknown law 'power': did you mean 'power-sum'? Known: power-sum, kaplan.
        """
        return cls(f"unknown {what} {name!r}: {near_match(name, known)}")

    def __str__(self) -> str:
        """Return the message itself; a plain KeyError would show its repr."""
        return str(self.args[0]) if self.args else ""


class ReadinessError(BayesdenseError, ValueError):
    """Valid data that cannot answer the question asked of them."""


class PriorError(BayesdenseError, ValueError):
    """A prior that does not fit its parameter, or has none."""


class FitFileError(BayesdenseError, ValueError):
    """A file that is not a fit which this version can read."""


class SamplingError(BayesdenseError, RuntimeError):
    """Sampling that stopped before it gave a posterior."""


def near_match(name: object, known: Iterable[str], *, shown: int = MAX_NAMES_SHOWN) -> str:
    """Say which known name was probably meant, and list the known names.

    Parameters
    ----------
    name : object
        The name that was not found; its case does not matter here.
    known : iterable of str
        The names there are.
    shown : int
        How many of them are listed at most.

    Returns
    -------
    str
        One or two short sentences for the end of an error message.

    Examples
    --------
    >>> near_match("desning5", ["densing5", "leaderboard"])
    "did you mean 'densing5'? Known: densing5, leaderboard."
    >>> near_match("x", [])
    'there are none.'
    """
    names = list(dict.fromkeys(str(n) for n in known))
    if not names:
        return "there are none."
    by_folded = {n.casefold(): n for n in reversed(names)}
    wanted = str(name).strip().casefold()
    close = difflib.get_close_matches(wanted, list(by_folded), n=1, cutoff=0.6)
    if not close and len(wanted) > 2:
        close = [folded for folded in by_folded if wanted in folded][:1]
    hint = f"did you mean '{by_folded[close[0]]}'? " if close else ""
    listed = ", ".join(names[:shown])
    more = len(names) - shown
    known_are = "Known" if hint else "known"
    return f"{hint}{known_are}: {listed}{f' and {more} more' if more > 0 else ''}."
