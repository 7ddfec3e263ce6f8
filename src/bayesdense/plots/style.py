"""Colours, fonts and the few things that all figures share."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.plots.glyphs import MISSING_GLYPH, families, show_all_characters

__all__ = [
    "COLOURS",
    "Options",
    "Picture",
    "Plot",
    "Visuals",
    "artist_options",
    "axes_of",
    "figure_style",
    "interval_text",
    "log_ticks",
    "thin_grid",
]

COLOURS = {
    "target": "#0072B2",
    "reference": "#D55E00",
    "line": "#1A1A1A",
    "band": "#8C8C8C",
    "note": "#555555",
    "typical": "#0072B2",
    "frontier": "#D55E00",
    "envelope": "#009E73",
    "placed": "#5B3A8C",
    "other": "#7A7A7A",
    "low": "#56B4E9",
    "middle": "#E69F00",
    "high": "#5B3A8C",
}
"""By meaning. Hues of Okabe and Ito, which colour-blind readers tell apart; each
meaning also has its own marker, so that print in grey keeps it."""

GRID = "#E4E4E4"

STYLE: Any = {
    # A dollar sign in a name is one.
    "text.parse_math": False,
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.edgecolor": "#333333",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.facecolor": "white",
    "figure.facecolor": "white",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.width": 0.5,
    "ytick.minor.width": 0.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "butt",
    "mathtext.fontset": "dejavusans",
    "text.usetex": False,
}

SHOWN_DPI = 110

Visuals = Mapping[str, Mapping[str, Any] | bool]
"""Options of Matplotlib by the elements of a figure; False leaves an element out."""

Options = Callable[..., dict[str, Any]]
"""From an element and its usual options to those of the artist."""

LONG_NAMES = {
    "c": "color",
    "ec": "edgecolor",
    "fc": "facecolor",
    "ls": "linestyle",
    "lw": "linewidth",
    "mec": "markeredgecolor",
    "mew": "markeredgewidth",
    "mfc": "markerfacecolor",
    "ms": "markersize",
}


_drawn: ContextVar[list[Artist] | None] = ContextVar("drawn", default=None)


class Picture(Figure):
    """A figure that a notebook can show without pyplot."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        _note(self)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=SHOWN_DPI)
        return buffer.getvalue()


class Plot(NamedTuple):
    """What a figure function returns: the figure and its axes, which a notebook shows.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    ax : matplotlib.axes.Axes, or tuple of these
        Its axes.
    """

    figure: Figure
    ax: Any

    def _repr_png_(self) -> bytes | None:
        # Of another figure, whoever made it shows it.
        return self.figure._repr_png_() if isinstance(self.figure, Picture) else None


def _note(artist: Artist) -> None:
    """Remember what is drawn in, for the end of `figure_style`."""
    drawn = _drawn.get()
    if drawn is not None:
        drawn.append(artist)


@contextmanager
def figure_style() -> Iterator[None]:
    """Use the style of this package, and put back the user's settings at the end.

    Characters that no installed font has are replaced by a question mark.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> before = mpl.rcParams["font.size"]
    >>> with figure_style():
    ...     pass
    >>> mpl.rcParams["font.size"] == before
    True
    """
    drawn: list[Artist] = []
    token = _drawn.set(drawn)
    try:
        with mpl.rc_context(STYLE | {"font.family": list(families())}), warnings.catch_warnings():
            # Labels are measured before what no font has is replaced.
            warnings.filterwarnings("ignore", message=MISSING_GLYPH, category=UserWarning)
            yield
            for artist in drawn:
                show_all_characters(artist)
    finally:
        _drawn.reset(token)


def artist_options(visuals: Visuals | None, *elements: str) -> Options:
    """Return a function that fills the user's options of an element into the usual ones.

    Parameters
    ----------
    visuals : mapping of str to mapping or bool, or None
        As the user gave it.
    *elements : str
        What the figure is made of.

    Returns
    -------
    callable
        From an element and its usual options to those of the artist.

    Raises
    ------
    UnknownNameError
        If the figure has no such element.
    BayesdenseError
        If the options of an element are no mapping.

    Examples
    --------
    >>> own = artist_options({"points": {"color": "red"}}, "points", "line")
    >>> own("points", ms=4.0, color="blue"), own("line", lw=1.0)
    ({'markersize': 4.0, 'color': 'red'}, {'linewidth': 1.0})
    """
    given: dict[str, dict[str, Any]] = {}
    for name, options in (visuals or {}).items():
        if name not in elements:
            raise UnknownNameError.of("element of visuals", name, elements)
        if isinstance(options, bool):
            given[name] = {} if options else {"visible": False}
        elif isinstance(options, Mapping):
            given[name] = {LONG_NAMES.get(n, n): value for n, value in options.items()}
        else:
            raise BayesdenseError(f"visuals['{name}'] must be a dict or False, not {options!r}")

    def own(name: str, **usual: Any) -> dict[str, Any]:
        chosen = {LONG_NAMES.get(n, n): value for n, value in usual.items()}
        mine = given.get(name, {})
        if "color" in mine:
            # The colour of a marker follows, but for hollow faces and white edges.
            for part in ("markerfacecolor", "markeredgecolor"):
                if chosen.get(part) != "white":
                    chosen.pop(part, None)
        return chosen | mine

    return own


def axes_of(
    ax: Axes | None, *, width: float, height: float, figsize: tuple[float, float] | None = None
) -> tuple[Figure, Axes]:
    """Return the user's axes with their figure, or a new pair.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a figure.
    width, height : float
        Usual size of a new figure, in inches.
    figsize : tuple of float, optional
        Size that the user asked for.

    Returns
    -------
    tuple of matplotlib.figure.Figure and matplotlib.axes.Axes
    """
    if ax is None:
        figure: Figure = Picture(figsize=figsize or (width, height), layout="constrained")
        return figure, figure.add_subplot()
    owner = ax.get_figure(root=True)
    if owner is None:
        raise ValueError("these axes were removed from their figure; give axes that are in one")
    _note(ax)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=STYLE["xtick.labelsize"])
    return owner, ax


def thin_grid(ax: Axes, *, axis: Literal["both", "x", "y"] = "both") -> None:
    """Draw a grid that stays behind the data, also in axes of another style.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    axis : {"both", "x", "y"}
        For which axis.
    """
    ax.set_axisbelow(True)
    ax.grid(visible=True, axis=axis, color=GRID, lw=0.6)


def interval_text(table: pd.DataFrame) -> str:
    """Say which intervals a table holds.

    Parameters
    ----------
    table : pandas.DataFrame
        With columns ``prob`` and ``kind``.

    Returns
    -------
    str

    Examples
    --------
    >>> interval_text(pd.DataFrame({"prob": [0.9], "kind": ["equal-tailed"]}))
    '90 % equal-tailed interval'
    >>> kind = "approximate equal-tailed (shared part from 500 of 5,000 targets)"
    >>> interval_text(pd.DataFrame({"prob": [0.9], "kind": [kind]}))
    '90 % approximate equal-tailed interval'
    """
    # What was approximated is too long for a label; that it was is not.
    kinds = dict.fromkeys(str(kind).partition(" (")[0] for kind in table["kind"])
    prob, kind = float(table["prob"].iloc[0]), " or ".join(kinds)
    return f"{100 * prob:.4g} % {kind} interval"


def log_ticks(axis: Any, *, text: Any) -> None:
    """Label a logarithmic axis at 1, 2 and 5 in each decade, at decades, or at even steps.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
        Already logarithmic, with its final limits.
    text : callable
        From a number to its label.
    """
    from matplotlib.ticker import (
        FixedLocator,
        FuncFormatter,
        LogLocator,
        MaxNLocator,
        NullFormatter,
        NullLocator,
    )

    low, high = sorted(axis.get_view_interval())
    decades = math.log10(high / low)
    if decades < 0.7:
        # Too short for 1, 2 and 5: round numbers at even steps.
        axis.set_major_locator(FixedLocator(MaxNLocator(7).tick_values(low, high)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
        return
    steps = (1.0, 2.0, 5.0) if decades < 2.2 else ((1.0, 3.0) if decades < 3.2 else (1.0,))
    axis.set_major_locator(LogLocator(base=10, subs=steps, numticks=30))
    axis.set_minor_locator(LogLocator(base=10, subs=tuple(range(1, 10)), numticks=100))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axis.set_minor_formatter(NullFormatter())
