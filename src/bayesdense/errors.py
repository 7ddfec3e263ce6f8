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

MAX_PROBLEMS_SHOWN = 20
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

    def __str__(self) -> str:
        """Return the problem as one line."""
        place = [self.table]
        if self.row is not None:
            place.append(f"{self.row_label} {self.row}")
        if self.column is not None:
            place.append(f"column '{self.column}'")
        if self.value is not None:
            shown = repr(self.value)
            if len(shown) > MAX_VALUE_LENGTH:
                shown = shown[: MAX_VALUE_LENGTH - 3] + "..."
            place.append(f"value {shown}")
        return f"{', '.join(place)}: {self.message}"


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
        """Make the one error that lists all problems, one on each line.

        Parameters
        ----------
        problems : sequence of Problem
            At least one.
        where : str
            What was checked: a folder or the name of a dataset.

        Returns
        -------
        DataError
            Ready to be raised.

        Examples
        --------
        >>> error = DataError.from_problems([Problem("models", None, None, None, "is missing")])
        >>> print(error)
        1 problem in the data:
          models: is missing
        """
        count = len(problems)
        lines = [f"{count} problem{'s' if count != 1 else ''} in {where}:"]
        lines += [f"  {problem}" for problem in problems[:MAX_PROBLEMS_SHOWN]]
        if count > MAX_PROBLEMS_SHOWN:
            lines.append(f"  ... and {count - MAX_PROBLEMS_SHOWN} more")
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


def near_match(name: object, known: Iterable[str]) -> str:
    """Say which known name was probably meant, and list the known names.

    Parameters
    ----------
    name : object
        The name that was not found; its case does not matter here.
    known : iterable of str
        The names there are.

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
    listed = ", ".join(names[:MAX_NAMES_SHOWN])
    more = len(names) - MAX_NAMES_SHOWN
    known_are = "Known" if hint else "known"
    return f"{hint}{known_are}: {listed}{f' and {more} more' if more > 0 else ''}."
