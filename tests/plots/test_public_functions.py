"""What all figures have in common: signature, return type, and no trace left behind."""

from __future__ import annotations

import inspect
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesdense import plots
from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.plots.style import COLOURS
from tests.fake import fake_fit

# Figures of a density fit; those of rulers, studies and new models are tested with what makes them.
OTHERS = (
    "loss_law",
    "placement",
    "ruler_comparison",
    "score_map",
    "sensitivity",
    "specification_curve",
)
NAMES = [name for name in plots.__all__ if name not in OTHERS]
NEEDED = {"scores": {"benchmark": "MATH"}}


def drawn(name, fit, **options):
    return getattr(plots, name)(fit, **(NEEDED.get(name, {}) | options))


def texts(ax):
    legend = ax.get_legend()
    found = [*ax.texts, ax.xaxis.label, ax.yaxis.label, ax.title]
    return " ".join(t.get_text() for t in [*found, *(legend.get_texts() if legend else [])])


@pytest.mark.parametrize("name", plots.__all__)
def test_options_that_all_figures_have(name):
    function = getattr(plots, name)
    last = list(inspect.signature(function).parameters.values())[-3:]
    assert [option.name for option in last] == ["ax", "figsize", "visuals"]
    assert all(option.kind is option.KEYWORD_ONLY and option.default is None for option in last)
    assert "False leaves one out" in " ".join(inspect.getdoc(function).split())


@pytest.mark.parametrize("name", NAMES)
def test_signature(name):
    parameters = inspect.signature(getattr(plots, name)).parameters
    first, *options = parameters.values()
    wanted = first.VAR_POSITIONAL if first.name == "fits" else first.POSITIONAL_OR_KEYWORD
    assert first.name in ("fit", "fits") and first.kind is wanted
    assert all(option.kind is option.KEYWORD_ONLY for option in options)
    for option in ("ax", "figsize", "visuals"):
        assert parameters[option].default is None
    assert name == "calibration" or parameters["prob"].default == 0.9
    assert "Examples" in getattr(plots, name).__doc__


@pytest.mark.parametrize("name", NAMES)
def test_returns_figure_and_axes_and_leaves_nothing_behind(name, linear, tmp_path):
    before = dict(mpl.rcParams)
    figure, ax = drawn(name, linear)
    assert isinstance(figure, Figure) and isinstance(ax, Axes) and figure.axes == [ax]
    figure.savefig(tmp_path / "f.png")
    figure.savefig(tmp_path / "f.svg")
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


@pytest.mark.parametrize("name", NAMES)
def test_draws_into_the_axes_it_is_given(name, linear):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    size = tuple(figure.get_size_inches())
    assert drawn(name, linear, ax=right) == (figure, right)
    assert right.has_data() and not left.has_data()
    assert tuple(figure.get_size_inches()) == size


@pytest.mark.parametrize("name", NAMES)
def test_size_and_artists_are_the_users(name, linear):
    figure, ax = drawn(name, linear, figsize=(5.0, 3.0), visuals={"points": {"ms": 9.5, "c": "k"}})
    assert tuple(figure.get_size_inches()) == (5.0, 3.0)
    markers = [line for line in ax.lines if line.get_marker() not in ("None", None, "", ">")]
    shown = [line for line in markers if len(line.get_xdata())]
    assert shown and {line.get_markersize() for line in shown} == {9.5}
    assert {line.get_color() for line in shown} == {"k"}
    _, ax = drawn(name, linear, visuals={"points": False})
    hidden = [line for line in ax.lines if line.get_marker() not in ("None", None, "", ">")]
    assert len(hidden) == len(markers)
    assert not any(line.get_visible() for line in hidden if len(line.get_xdata()))


def test_wrong_visuals_are_refused(linear):
    with pytest.raises(UnknownNameError, match="did you mean 'points'"):
        plots.trend(linear, visuals={"point": {}})
    with pytest.raises(BayesdenseError, match="must be a dict or False"):
        plots.trend(linear, visuals={"points": "red"})


@pytest.mark.parametrize("name", NAMES)
def test_says_which_intervals(name, linear):
    _, ax = drawn(name, linear, **({} if name == "calibration" else {"prob": 0.5}))
    assert "equal-tailed interval" in texts(ax)
    assert "50" in texts(ax)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "calibration"])
def test_a_probability_in_percent_is_refused(name, linear):
    with pytest.raises(BayesdenseError, match="prob"):
        drawn(name, linear, prob=90)


def test_colours_differ_in_grey_within_each_figure():
    def grey(name):
        red, green, blue = mpl.colors.to_rgb(COLOURS[name])
        return 0.3 * red + 0.59 * green + 0.11 * blue

    assert abs(grey("target") - grey("reference")) > 0.1
    levels = sorted(grey(name) for name in ("low", "middle", "high"))
    assert np.ptp(levels) > 0.2


def test_a_figure_that_ends_a_cell_shows_its_picture():
    drawn = plots.trend(fake_fit())
    figure, ax = drawn
    assert drawn._repr_png_().startswith(b"\x89PNG") and ax.figure is figure
    # Whoever made the axes shows them.
    own = Figure().add_subplot()
    assert plots.trend(fake_fit(), ax=own)._repr_png_() is None
