"""Figures of the ruler: what is drawn is what the tables of the fit say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import bayesdense as bd
from bayesdense.plots.loss_law_curves import _levels
from tests.fake import fake
from tests.simulate import KINDS, simulate


@pytest.fixture(scope="module")
def ruler():
    """Return law and map with draws from their prior: they need not be good to be drawn."""
    return fake(bd.RulerModel(), simulate(KINDS[2], seed=4))


def lines_of(ax):
    return {line.get_label(): np.asarray(line.get_xydata()) for line in ax.lines}


def test_losses_and_law(ruler, tmp_path):
    figure, ax = bd.plots.loss_law(ruler, loss_set="know loss")
    figure.savefig(tmp_path / "law.svg")
    runs = ruler.runs().query("loss_set == 'know loss'")
    points = [xy for label, xy in lines_of(ax).items() if not label.startswith("_")]
    # Three numbers of tokens per parameter were simulated, six sizes each.
    assert [len(xy) for xy in points] == [6, 6, 6]
    drawn = np.sort(np.concatenate(points)[:, 1])
    assert drawn == pytest.approx(np.sort(runs["loss"].to_numpy()))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["5", "20", "100"]
    assert ax.get_ylabel() == "loss on know loss (nats per token)"
    assert "90 % equal-tailed" in ax.get_xlabel()
    curve = ax.lines[0].get_xydata()
    size, loss = curve[10]
    again = ruler.predict(n_params=size, n_tokens=5 * size, new_run=False)
    row = again[(again["of"] == "know loss") & (again["quantity"] == "loss")]
    assert loss == pytest.approx(float(row["median"].iloc[0]), rel=1e-6)


def test_scores_and_map(ruler):
    axes = Figure().subplots()
    _, ax = bd.plots.score_map(ruler, benchmark="sums", ax=axes)
    assert ax is axes
    lines = lines_of(ax)
    curve = ruler.score_curve("sums")
    inside = curve[~curve["outside_reference"]]
    assert lines["map"][:, 1] == pytest.approx(inside["median"].to_numpy())
    assert lines["map, extrapolated"][:, 0].max() == pytest.approx(inside["loss"].min())
    scores = ruler.scores().query("benchmark == 'sums'")
    assert np.sort(lines["reference run"][:, 1]) == pytest.approx(np.sort(scores["score"]))


def test_what_cannot_be_drawn_is_said(ruler):
    with pytest.raises(bd.BayesdenseError, match="name one of the loss sets: know loss, sums loss"):
        bd.plots.loss_law(ruler)
    with pytest.raises(bd.UnknownNameError, match="unknown loss set"):
        bd.plots.loss_law(ruler, loss_set="know")
    with pytest.raises(bd.BayesdenseError, match="benchmark 'read' has scores only"):
        bd.plots.score_map(ruler, benchmark="read")
    with pytest.raises(bd.UnknownNameError, match="unknown benchmark"):
        bd.plots.score_map(ruler, benchmark="reads")


@pytest.mark.parametrize(("count", "drawn"), [(1, 1), (8, 8), (10, 10), (12, 5)])
def test_the_law_is_drawn_where_there_are_runs(count, drawn):
    """At every ratio of tokens to parameters, or at some that occur."""
    ratios = np.repeat(np.log(5.0 * 2.0 ** np.arange(count)), 3)
    levels = _levels(ratios)
    assert len(levels) == drawn and set(levels) <= set(ratios)
