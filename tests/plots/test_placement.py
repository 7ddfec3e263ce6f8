"""New models in figures: on the trend, and score by score."""

from __future__ import annotations

import numpy as np
import pytest

from bayesdense import plots
from bayesdense.errors import BayesdenseError


@pytest.fixture(scope="module")
def placed(linear):
    return linear.place(
        model="Mine", n_params=8e9, release_date="2024-05-01", scores={"MMLU": 0.6, "MATH": 0.2}
    )


def test_every_score_is_beside_its_prediction(placed):
    figure, ax = plots.placement(placed)
    assert figure.axes == [ax]
    table = placed.scores()
    assert [text.get_text() for text in ax.get_yticklabels()] == list(table["benchmark"])
    drawn = np.concatenate([line.get_xdata() for line in ax.lines])
    assert sorted(drawn) == sorted(table["score"])
    (bars,) = ax.collections
    ends = np.array([[path[0, 0], path[1, 0]] for path in bars.get_segments()])
    np.testing.assert_allclose(ends, table[["lower", "upper"]].to_numpy())
    assert "90 % equal-tailed interval" in ax.get_xlabel()


def test_a_new_model_is_on_the_trend_by_its_name(linear, placed):
    _, ax = plots.trend(linear, placed=placed)
    (star,) = [line for line in ax.lines if line.get_marker() == "*"]
    row = placed.density().iloc[0]
    assert star.get_ydata()[0] == row["median"]
    assert "Mine" in [text.get_text() for text in ax.texts]
    low, high = ax.get_ylim()
    assert low < row["lower"] and row["upper"] < high


def test_a_probability_in_percent_is_refused(placed):
    with pytest.raises(BayesdenseError, match="prob"):
        plots.placement(placed, prob=90)
