"""What a check returns, what it may ask of a fit, and the limits that several checks share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pandas as pd

from bayesdense.data.html import card
from bayesdense.errors import UnknownNameError
from bayesdense.fit.info import FitInfo
from bayesdense.posterior.diagnostics import MAX_RHAT, MIN_BFMI, MIN_ESS

if TYPE_CHECKING:
    import xarray as xr

    from bayesdense.data import Dataset
    from bayesdense.priors import Prior

__all__ = [
    "MAX_RHAT",
    "MIN_BFMI",
    "MIN_ESS",
    "PRIOR_DRAWS",
    "PRIOR_LIKE",
    "WORST_SHOWN",
    "CheckReport",
    "CheckResult",
    "Checked",
    "CheckedDensity",
]

PRIOR_LIKE = 0.9
"""Ratio of posterior to prior standard deviation above which the data say little."""

PRIOR_DRAWS = 4000
"""Draws of a prior that a posterior is compared with."""

WORST_SHOWN = 8
"""Rows of a check's table, where only the worst are of interest."""


class Checked(Protocol):
    """What the checks read from a fit of any kind."""

    kind: ClassVar[str]
    headline_names: ClassVar[tuple[str, ...]]
    posterior: xr.Dataset
    sample_stats: xr.Dataset
    data: Dataset
    spec: Any
    info: FitInfo

    @property
    def interrupted(self) -> str:
        """Empty, or how many draws were kept when sampling was stopped."""

    @property
    def priors(self) -> dict[str, Prior]:
        """The priors in force, by parameter."""

    def diagnostics(self) -> pd.DataFrame:
        """Return R-hat and effective sample sizes."""

    def calibration(self) -> pd.DataFrame:
        """Return the coverage of predictive intervals by benchmark."""


class CheckedDensity(Checked, Protocol):
    """What the checks read from a fit of a density model."""

    reference_posterior: xr.Dataset | None

    def above_reference(self) -> pd.DataFrame:
        """Return the share of targets above the largest reference, by benchmark."""

    def density(self) -> pd.DataFrame:
        """Return the density of every model."""

    def effective_size(self) -> pd.DataFrame:
        """Return the effective parameter size of every model."""

    def coefficients(self) -> pd.DataFrame:
        """Return the coefficients of the ruler."""

    def reach(self) -> pd.DataFrame:
        """Return the score of an infinitely large reference model, by benchmark."""


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    Attributes
    ----------
    name : str
        What was checked.
    passed : bool or None
        None where a person has to judge.
    trust : bool
        Whether a failure means that the posterior is not to be trusted. The
        others qualify how the answer may be read.
    text : str
        What was found, and what to do where it is not good.
    figures : pandas.DataFrame
        The figures behind it; `table` returns them.
    """

    name: str
    passed: bool | None
    trust: bool
    text: str
    figures: pd.DataFrame = field(repr=False)

    @property
    def verdict(self) -> str:
        """Return ``good``, ``look`` or ``bad``."""
        if self.passed is None:
            return "look"
        return "good" if self.passed else ("bad" if self.trust else "look")

    def table(self) -> pd.DataFrame:
        """Return the figures behind the outcome."""
        return self.figures.copy()

    def _repr_html_(self) -> str:
        """Return the outcome and its figures for a notebook."""
        return card(f"{self.name}: {self.verdict}", self.text, table=self.figures)


@dataclass(frozen=True)
class CheckReport:
    """All checks of one fit.

    Attributes
    ----------
    results : tuple of CheckResult
        One for each check.
    """

    results: tuple[CheckResult, ...]

    @property
    def trusted(self) -> bool:
        """Whether no check says that the posterior is not to be trusted."""
        return all(result.passed is not False for result in self.results if result.trust)

    @property
    def verdict(self) -> str:
        """The verdict in one sentence."""
        bad = [r.text for r in self.results if r.trust and r.passed is False]
        if bad:
            return "This posterior is not to be trusted: " + " ".join(bad)
        look = [r.name for r in self.results if r.verdict == "look"]
        text = "The diagnostics give no reason to distrust this posterior."
        return text + (f" Worth a look: {', '.join(look)}." if look else "")

    def summary(self) -> pd.DataFrame:
        """Return one row for each check: ``check``, ``verdict``, ``text``."""
        return pd.DataFrame(
            [{"check": r.name, "verdict": r.verdict, "text": r.text} for r in self.results]
        )

    def __getitem__(self, name: str) -> CheckResult:
        """Return the check of that name."""
        for result in self.results:
            if result.name == name:
                return result
        raise UnknownNameError.of("check", name, [r.name for r in self.results])

    def __repr__(self) -> str:
        """Return verdict and checks as text."""
        lines = [self.verdict]
        lines += [f"  {r.verdict:<5} {r.name}: {r.text}" for r in self.results]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the verdict and the checks for a notebook."""
        return card(self.verdict, table=self.summary())
