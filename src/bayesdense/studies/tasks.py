"""One fit of a study: what is fitted, what its warm-up begins with, and what is told of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bayesdense.data import Dataset
from bayesdense.fit.more_draws import MORE
from bayesdense.models import DensityModel
from bayesdense.sampler.settings import SamplingSettings
from bayesdense.sampler.warm_start import WarmStart
from bayesdense.studies.keys import key_of

__all__ = ["KEPT_DRAWS", "Job", "Outcome", "Task", "failure"]

KEPT_DRAWS = 1000

Outcome = dict[str, Any]
"""Plain values, as `bayesdense.studies.fitting.fit_one` returns them."""


@dataclass(frozen=True)
class Task:
    """One fit of a study.

    Attributes
    ----------
    name : str
        Of the specification.
    data : Dataset or None
        What is fitted; None where it could not be made.
    model : DensityModel
        What it is fitted with.
    settings : SamplingSettings
        How to sample.
    reason : str
        Why there are no data.
    begins : Task, optional
        The fit that its warm-up begins with.
    """

    name: str
    data: Dataset | None
    model: DensityModel
    settings: SamplingSettings
    reason: str = ""
    begins: Task | None = None

    @cached_property
    def key(self) -> str:
        """A name for the result that no other data, model or settings have."""
        digest = "" if self.data is None else self.data.digest
        begins = "" if self.begins is None else self.begins.key
        how = ("study", KEPT_DRAWS, MORE, begins)
        return key_of(digest, self.model.spec, self.settings, *how)

    @property
    def depth(self) -> int:
        """How many fits come before it."""
        return 0 if self.begins is None else self.begins.depth + 1

    def after(self, other: Task) -> Task:
        """Return this task, begun with another fit.

        Parameters
        ----------
        other : Task
            The other fit.

        Returns
        -------
        Task
            As it is where one of both cannot be fitted, or each ruler has a
            chain of its own; the other, where both are the same fit.
        """
        if any(task.data is None or task.model.spec.ruler == "cut" for task in (self, other)):
            return self
        if self.key == dataclasses.replace(other, begins=None).key:
            return dataclasses.replace(other, name=self.name)
        return dataclasses.replace(self, begins=other)


@dataclass(frozen=True)
class Job:
    """A task as it travels to whoever fits it.

    Attributes
    ----------
    key : str
        Of the task.
    task : Task
        What to fit.
    warm_start : WarmStart, optional
        What its warm-up begins with.
    keep : bool
        Whether another fit begins with this one.
    """

    key: str
    task: Task
    warm_start: WarmStart | None
    keep: bool


def failure(reason: str, seconds: float = 0.0) -> Outcome:
    """Return what is told of a fit that failed.

    Parameters
    ----------
    reason : str
        Why.
    seconds : float
        How long it took to fail.

    Returns
    -------
    dict
    """
    return {"reason": reason, "rates": [], "trusted": False, "verdict": "", "seconds": seconds}
