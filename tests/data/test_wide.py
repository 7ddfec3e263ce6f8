"""A table with a model a row and a benchmark a column becomes a dataset."""

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd

WIDE = pd.DataFrame(
    {"mmlu": [70.5, 61.0], "HellaSwag": [80.0, np.nan], "maths": [30.0, 12.5]}, index=["A", "B"]
)
MODELS = pd.DataFrame({"n_params": [8e9, 2e9], "release_date": "2025-01-01"}, index=["A", "B"])


def wide(frame=WIDE, models=MODELS, **more):
    given = {"names": {"maths": "MATH"}, "percent": True} | more
    return bd.Dataset.from_wide(frame, models=models, **given)


def test_a_cell_is_a_score_and_an_empty_one_is_none():
    data = wide(harness="house", source="table 3")
    found = {(row.model, row.benchmark): row.score for row in data.scores.itertuples()}
    assert found == {
        ("A", "HellaSwag"): 0.8,
        ("A", "MATH"): 0.3,
        ("A", "MMLU"): 0.705,
        ("B", "MATH"): 0.125,
        ("B", "MMLU"): 0.61,
    }
    assert data.scores["source"].eq("table 3").all() and data.scores["harness"].eq("house").all()
    assert data.benchmarks.set_index("benchmark").loc["MMLU", "n_items"] == 14042
    assert data.models["n_params"].tolist() == [8e9, 2e9]


def test_names_of_models_may_be_a_column():
    frame = WIDE.rename_axis("model").reset_index()
    models = MODELS.rename_axis("model").reset_index()
    assert wide(frame, models).digest == wide().digest
    assert list(frame) == ["model", "mmlu", "HellaSwag", "maths"]


def test_fractions_and_benchmarks_of_ones_own():
    own = pd.DataFrame({"benchmark": ["mine", "MMLU"], "n_items": [30, 99], "chance": [0.5, 0.25]})
    data = wide(
        pd.DataFrame({"mine": [0.75], "MMLU": [0.5]}, index=["A"]),
        names=None,
        percent=False,
        benchmarks=own,
    )
    assert data.benchmarks.set_index("benchmark")["n_items"].to_dict() == {"MMLU": 99, "mine": 30}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"percent": False}, "HellaSwag of 'A' is 80, and fractions are from 0 to 1: percentages"),
        ({"frame": WIDE / 100}, "percent=True, but no score is above 1"),
        ({"names": None}, "items and chance of the benchmark 'maths' are not known: did you mean"),
        ({"names": {"math": "MATH"}}, "frame has no column 'math': did you mean 'maths'"),
        ({"models": MODELS.loc[["A"]]}, "the model 'B' is not in models"),
        ({"frame": WIDE.reset_index(drop=True)}, "0 is no name"),
        (
            {"frame": WIDE.assign(mmlu=["70", "a lot"])},
            "mmlu of 'B' is 'a lot'; allowed is a number",
        ),
        ({"frame": WIDE.loc[["A", "A"]]}, "the model 'A' is there twice"),
        ({"frame": WIDE * np.nan}, "there is no score in it"),
        ({"models": None}, "models is a NoneType; allowed is a DataFrame"),
        ({"names": {"maths": "MMLU"}}, "MMLU"),
        ({"frame": WIDE * 10}, "score"),
        ({"benchmarks": [1]}, "benchmarks: allowed is a DataFrame"),
    ],
)
def test_what_is_wrong_is_said(more, message):
    with pytest.raises(bd.DataError) as raised:
        wide(**more)
    assert message in str(raised.value)
