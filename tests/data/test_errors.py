"""Messages are clean, and errors survive the way to another process."""

from __future__ import annotations

import pickle

import pytest

from bayesdense import errors
from bayesdense.errors import DataError, Problem, UnknownNameError, near_match


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("DataError", ValueError),
        ("ReadinessError", ValueError),
        ("PriorError", ValueError),
        ("FitFileError", ValueError),
        ("SamplingError", RuntimeError),
        ("UnknownNameError", KeyError),
    ],
)
def test_family_of_errors(name: str, builtin: type[Exception]) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, errors.BayesdenseError)
    assert issubclass(kind, builtin)
    assert str(kind("one sentence.")) == "one sentence."


def test_warnings_are_user_warnings() -> None:
    for kind in (errors.ReadinessWarning, errors.DiagnosticsWarning):
        assert issubclass(kind, errors.BayesdenseWarning)
        assert issubclass(kind, UserWarning)


def test_errors_pickle() -> None:
    problem = Problem("scores", 3, "score", "x", "is not a number", "line")
    error = pickle.loads(pickle.dumps(DataError.from_problems([problem], where="here")))
    assert error.problems == [problem]
    assert str(error).startswith("1 problem in here:\n  scores, line 3, column 'score', value 'x'")
    unknown = pickle.loads(pickle.dumps(UnknownNameError.of("law", "x", ["power-sum"])))
    assert str(unknown) == "unknown law 'x': known: power-sum."


def test_near_match() -> None:
    known = ["power-sum", "Kaplan"]
    assert near_match("powersum", known).startswith("did you mean 'power-sum'? Known: power-sum,")
    assert near_match("kaplan", known).startswith("did you mean 'Kaplan'?")
    assert near_match("xyz", known) == "known: power-sum, Kaplan."
    assert near_match(None, known) == "known: power-sum, Kaplan."
    assert near_match("x", []) == "there are none."
    assert near_match("x", (f"n{i}" for i in range(40))).endswith("n29 and 10 more.")


def test_long_values_are_cut() -> None:
    assert len(str(Problem("scores", 1, "score", "x" * 500, "is not a number"))) < 150
