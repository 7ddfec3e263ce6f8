"""What a score map has to offer; each map is one file that implements it."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable

from bayesdense.registry import Registry

__all__ = ["ScoreMap", "maps"]


@runtime_checkable
class ScoreMap(Protocol):
    """The score between floor and ceiling, rising in ``y = gamma (l - L)``.

    A map is written in terms of `y`, the loss turned around, shifted by the
    midpoint ``l`` and scaled by the steepness ``gamma``, both in the unit of
    the loss.

    Attributes
    ----------
    name : str
        Under which the map is registered.
    equation : str
        The map as one line, for reports.
    """

    name: ClassVar[str]
    equation: ClassVar[str]

    def score(self, y: Any, floor: Any, span: Any) -> Any:
        """Return the score at `y`."""
        ...

    def inverse(self, score: Any, floor: Any, span: Any) -> Any:
        """Return the `y` that has a score, NaN where there is none."""
        ...


maps: Registry[ScoreMap] = Registry("score map", needs=("equation", "score", "inverse"))
