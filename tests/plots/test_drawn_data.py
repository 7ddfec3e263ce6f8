"""What is drawn is what the tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayesdense import plots
from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.tables.density import count_text


def points(ax, axis="y"):
    """Return the data of all markers, sorted; lines have no marker."""
    lines = [line for line in ax.lines if line.get_marker() not in ("None", None, "")]
    values = [np.asarray(line.get_data()[axis == "y"]).ravel() for line in lines]
    return np.sort(np.concatenate([v.astype(float) for v in values if v.size]))


def ends(ax, axis):
    """Return lower and upper ends of all interval lines, sorted."""
    segments = [s for c in ax.collections if hasattr(c, "get_segments") for s in c.get_segments()]
    values = np.array([s[:, axis] for s in segments if s[0, axis] != s[1, axis]])
    return np.sort(values[:, 0]), np.sort(values[:, 1])


def test_trend(linear):
    _, ax = plots.trend(linear)
    table = linear.density().dropna(subset=["release_date"])
    assert "Undated" not in table["model"].tolist()
    assert np.allclose(points(ax), np.sort(table["median"]))
    lower, upper = ends(ax, 1)
    assert np.allclose(lower, np.sort(table["lower"]))
    assert np.allclose(upper, np.sort(table["upper"]))
    line = linear.trend_line()
    curves = [c for c in ax.lines if len(c.get_xdata()) == len(line)]
    assert np.allclose(curves[0].get_ydata(), line["median"])
    row = linear.doubling_time().query("benchmark == 'all benchmarks'").iloc[0]
    box = next(t.get_text() for t in ax.texts if "Doubling" in t.get_text())
    assert f"typical: {row['median']:.1f} months ({row['lower']:.1f} to" in box
    legend = [t.get_text() for t in ax.get_legend().get_texts()]
    assert "linear trend, read at 20 B parameters" in legend


def test_trend_labels_do_not_overlap(linear):
    figure, ax = plots.trend(linear)
    figure.draw_without_rendering()
    boxes = [t.get_window_extent() for t in ax.texts if t.get_text()]
    assert len(boxes) > 3
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    _, bare = plots.trend(linear, labels=False)
    assert len(bare.texts) == 1


def test_density_is_ranked(linear):
    _, ax = plots.density(linear)
    table = linear.density().sort_values("median", ascending=False)
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert names == table["model"].tolist()
    assert np.all(np.diff(ax.get_yticks()) < 0)
    drawn = {
        y: x
        for line in ax.lines
        if line.get_marker() in ("o", "D")
        for x, y in zip(*line.get_data(), strict=True)
    }
    assert np.allclose([drawn[y] for y in ax.get_yticks()], table["median"])


def test_density_of_some_models(linear):
    references = int(linear.density()["is_reference"].sum())
    _, ax = plots.density(linear, models=3)
    assert len(ax.get_yticks()) == 3 + references
    _, ax = plots.density(linear, models=["New-1", "Alpha-7B"])
    assert {t.get_text() for t in ax.get_yticklabels()} == {"New-1", "Alpha-7B"}
    with pytest.raises(UnknownNameError, match="did you mean 'New-1'"):
        plots.density(linear, models=["new-1"])
    for wrong in (0, [], True):
        with pytest.raises(BayesdenseError, match="models"):
            plots.density(linear, models=wrong)


def test_density_grows_with_the_number_of_models(linear):
    tall, _ = plots.density(linear)
    low, _ = plots.density(linear, models=1)
    assert tall.get_figheight() > low.get_figheight()


def test_doubling_time(linear, frontier):
    _, ax = plots.doubling_time(linear, frontier, paper=False)
    table = pd.concat([linear.doubling_time(), frontier.doubling_time()])
    finite = table[np.isfinite(table["median"])]
    circles = [line for line in ax.lines if line.get_marker() == "o"]
    assert np.allclose([line.get_xdata()[0] for line in circles], finite["median"])
    arrows = [line for line in ax.lines if line.get_marker() == ">"]
    low, high = ax.get_xlim()
    assert len(arrows) == (table["upper"] > high).sum() > 0
    shown = [t.get_text() for t in ax.texts]
    assert len(shown) == len(table)
    assert sum("no finite end" in t for t in shown) == np.isinf(table["upper"]).sum()
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels[0] == "typical, all (linear fit)"
    assert labels[1:4] == ["MMLU", "MATH", "new benchmark"]
    assert "frontier, all (frontier fit)" in labels


def test_doubling_time_marks_the_paper_on_request(linear):
    _, with_paper = plots.doubling_time(linear)
    assert any("Xiao" in t.get_text() for t in with_paper.texts)
    _, without = plots.doubling_time(linear, paper=False)
    assert not any("Xiao" in t.get_text() for t in without.texts)
    with pytest.raises(BayesdenseError, match="at least one fit"):
        plots.doubling_time()


def test_two_fits_of_one_trend_are_told_apart(linear):
    _, ax = plots.doubling_time(linear, linear)
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert "typical, all (fit 1, linear)" in labels
    assert "typical, all (fit 2, linear)" in labels


class Stub:
    """A fit that has nothing but one table."""

    def __init__(self, linear, table):
        self.spec, self._table = linear.spec, table

    def doubling_time(self, *, prob):
        return self._table


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((np.inf, 4.0, np.inf), "no growth (4.0 to no finite end)"),
        ((np.inf, np.inf, np.inf), "no growth"),
        ((np.nan, np.nan, np.nan), "no slope in any draw"),
        ((3.0, 2.0, 400.0), "3.0 (2.0 to 400)"),
    ],
)
def test_doubling_times_without_a_value(linear, row, text):
    table = linear.doubling_time().head(1).copy()
    table[["median", "lower", "upper"]] = row
    figure, ax = plots.doubling_time(Stub(linear, table), paper=False)
    figure.draw_without_rendering()
    assert [t.get_text() for t in ax.texts] == [text]


def test_effective_size(linear):
    _, ax = plots.effective_size(linear)
    table = linear.effective_size()
    assert np.allclose(points(ax), np.sort(table["median"]))
    assert np.allclose(points(ax, "x"), np.sort(table["size"]))
    by_marker = {
        marker: sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() == marker)
        for marker in "o^vDd"
    }
    own, outside = table["is_reference"], table["outside_reference"]
    assert by_marker["o"] == (~own & ~outside).sum()
    assert by_marker["^"] + by_marker["v"] == (~own & outside).sum()
    assert by_marker["D"] + by_marker["d"] == own.sum()
    assert any("1 B to 30 B" in t.get_text() for t in ax.texts)


def test_calibration(linear):
    _, ax = plots.calibration(linear)
    table = linear.calibration()
    wanted = 100 * table[["inside_50", "inside_80", "inside_90"]].to_numpy().ravel()
    assert np.allclose(points(ax, "x"), np.sort(wanted))
    assert [t.get_text().split("\n")[0] for t in ax.get_yticklabels()] == ["MMLU", "MATH"]


def test_scores(linear):
    _, ax = plots.scores(linear, benchmark="MATH")
    table = linear.scores().query("benchmark == 'MATH'")
    assert np.allclose(points(ax, "y"), np.sort(table["score"]))
    assert np.allclose(points(ax, "x"), np.sort(table["median"]))
    with pytest.raises(UnknownNameError, match="did you mean 'MATH'"):
        plots.scores(linear, benchmark="math")


@pytest.mark.parametrize(
    ("count", "text"), [(1e9 - 1e-3, "1 B"), (9.9999e8, "1 B"), (123.0, "123"), (7.24e9, "7.24 B")]
)
def test_counts_as_text(count, text):
    assert count_text(count) == text
