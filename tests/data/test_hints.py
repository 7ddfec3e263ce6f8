"""How messages say that a cell or a column is mended; whatever is refused stays refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesdense.data import Dataset, read_dataset
from bayesdense.errors import BayesdenseWarning, DataError

from .conftest import BENCHMARKS, MODELS, SCORES, WriteFolder

TEXTS = {"models": MODELS, "benchmarks": BENCHMARKS, "scores": SCORES}


def message(folder: Any) -> str:
    with pytest.raises(DataError) as error:
        read_dataset(folder)
    return str(error.value)


# table, text there, what people write instead, how the message says it is mended
CELLS = [
    ("models", "9e9", "9B", "it has a unit; write 9000000000 for '9B'"),
    ("models", "9e9", "560M", "it has a unit; write 560000000 for '560M'"),
    ("models", "9e9", "1.5 billion", "it has a unit; write 1500000000 for '1.5 billion'"),
    ("models", "2e12", "2T", "it has a unit; write 2000000000000 for '2T'"),
    ("models", "9e9", "8x7B", "it is a product, write the number of all parameters"),
    ("models", "9e9", '"13,000,000,000"', "separators of thousands; write 13000000000 for"),
    ("models", "9e9", "13 000 000 000", "separators of thousands; write 13000000000 for"),
    ("models", "9e9", "13.000.000.000", "separators of thousands; write 13000000000 for"),
    ("models", "9e9", "~9e9", "a sign or word for 'about', write the number alone; allowed"),
    ("models", "2e12", "> 2e12", "write the number alone, or leave the cell empty; allowed"),
    ("models", "2e12", "unknown", "an unknown value is an empty cell; allowed"),
    ("models", "9e9", "N/A", "it stands for a missing one, a model of unknown size cannot be"),
    ("models", "9e9", "9", "is below 1,000, which looks like billions: multiply by 1e9"),
    ("models", "9e9", "0", "is 0: a model of unknown size cannot be used"),
    ("models", "2e12", "0", "is 0: an unknown value is an empty cell"),
    ("models", "2e12", "2", "which looks like trillions: multiply by 1e12"),
    ("models", "2e12", "2000", "which looks like billions: multiply by 1e9"),
    ("models", "2e12", "300", "billions or trillions: multiply by 1e9 or 1e12"),
    ("models", "9e9", "", "is missing: a model of unknown size cannot be used, leave it and its"),
    ("models", "2e12,true", "2e12,1", "write true for 1 and false for 0"),
    ("models", "2e12,true", "2e12,yes", "write true for yes and false for no"),
    ("models", "2e12,true", "2e12,N", "write true for y and false for n"),
    ("models", "2e12,true", "2e12,unknown", "an empty cell means true"),
    ("models", "2023-12-01", "2023-12-01T00:00:00Z", "write 2023-12-01 for '2023-12-01T00:"),
    ("models", "2023-12-01", "2023-12-01 12:30", "a time or a time zone, keep the day only"),
    ("models", "2023-12-01", "45444", "spreadsheets count days, format the column as year-month"),
    ("models", "2023-12-01", "45444.0", "write 2024-06-01 for '45444.0'"),
    ("models", "2023-12-01", "1717200000", "since 1970; write 2024-06-01 for '1717200000'"),
    ("models", "2023-12-01", "1717200000000", "since 1970; write 2024-06-01 for"),
    ("models", "2023-12-01", "06/01/2024", "day and month cannot be told apart"),
    ("models", "2023-12-01", "1.6.24", "day and month cannot be told apart"),
    ("models", "2023-12-01", "2024/6/1", "write 2024-06-01 for '2024/6/1'"),
    ("models", "2023-12-01", "20240601", "write 2024-06-01 for '20240601'"),
    ("models", "2023-12-01", "2023-02-30", "no calendar has it"),
    ("models", "2023-12-01", "2024-06", "it says no day"),
    ("models", "2023-12-01", "June 2024", "it says no day"),
    ("models", "2023-12-01", "2024 Q2", "it says no day"),
    ("models", "2023-12-01", "1 Dec 2023", "write year-month-day in digits"),
    ("models", "2023-12-01", "tbd", "an unknown value is an empty cell"),
    ("benchmarks", "0.25", "25", "is above 1, which looks like percent: divide by 100"),
    ("benchmarks", "0.25", "25%", "divide by 100; write 0.25 for '25%'"),
    ("benchmarks", "0.25", "1/4", "it is a ratio; write 0.25 for '1/4'"),
    ("benchmarks", "0.25", "", "is missing: write 0 where nothing is gained by guessing"),
    ("benchmarks", "14042", '"14,042"', "separators of thousands; write 14042 for '14,042'"),
    ("benchmarks", "14042", "14042 items", "a word beside it; write 14042 for '14042 items'"),
    ("benchmarks", "14042", "~14k", "a sign or word for 'about'"),
    ("scores", "0.60", "60.3%", "divide by 100; write 0.603 for '60.3%'"),
    ("scores", "0.60", '"60,3 %"', "divide by 100; write 0.603 for '60,3 %'"),
    ("scores", "0.60", '"0,603"', "a decimal comma, which must be a point; write 0.603 for"),
    ("scores", "0.60", "0.60 ± 0.01", "it holds more than one number, write one"),
    ("scores", "0.60", "0.60 (0.01)", "it holds more than one number, write one"),
    ("scores", "0.60", "#DIV/0!", "it is an error of the spreadsheet, mend the formula"),
    ("scores", "0.60", "", "is missing: leave the row out"),
    ("scores", "0.60", "n/a", "it stands for a missing one, leave the row out"),
    ("scores", "0.60", "60", "is above 1; if in percent, divide by 100"),
]


@pytest.mark.parametrize(("table", "old", "new", "said"), CELLS)
def test_cell(table: str, old: str, new: str, said: str, write_folder: WriteFolder) -> None:
    assert old in TEXTS[table]
    assert said in message(write_folder(**{table: TEXTS[table].replace(old, new, 1)}))


def test_kinds_are_shown_once_each_with_the_first_cell_as_example(
    write_folder: WriteFolder,
) -> None:
    models = MODELS.replace("1e9,,1e12", "1B,,1T").replace("7e9", "7B").replace("9e9", "9")
    head, *lines = message(write_folder(models=models)).splitlines()
    assert head.startswith("4 problems of 3 kinds in folder")
    assert [line.partition(": ")[0] for line in lines] == [
        "  models, column 'n_params', 2 rows",
        "  models, line 5, column 'n_params', value '9'",
        "  models, line 2, column 'n_tokens', value '1T'",
    ]
    assert "write 1000000000 for '1B'" in lines[0]
    assert lines[0].endswith("(lines 2, 3; values '1B', '7B')")


def test_midnights_are_days(write_folder: WriteFolder, small: Dataset) -> None:
    text = MODELS.replace("2023-12-01", "2023-12-01 00:00:00")
    text = text.replace("2024-06-01", "2024-06-01T00:00:00.000")
    assert read_dataset(write_folder(models=text)) == small


@pytest.mark.parametrize("value", [45444, 45444.0, dt.datetime(2024, 6, 1, 12), np.inf, True])
def test_days_in_frames(frames: dict[str, pd.DataFrame], value: object) -> None:
    models = frames["models"].astype({"release_date": object})
    models.at[3, "release_date"] = value
    with pytest.raises(DataError, match="row 3, column 'release_date'.*is not a day"):
        Dataset.from_frames(**{**frames, "models": models})


# -- percent ---------------------------------------------------------------------------------


def test_one_benchmark_in_percent(write_folder: WriteFolder) -> None:
    said = message(write_folder(scores=SCORES.replace("MATH,0.", "MATH,")))
    assert said.startswith("3 problems of 1 kind")
    assert "as most scores on benchmark 'MATH' are, which looks like percent: divide by 100" in said


def test_one_source_in_percent(write_folder: WriteFolder) -> None:
    scores = "".join(
        line.replace(",0.", ",") if "paper B" in line else line
        for line in SCORES.splitlines(keepends=True)
    )
    said = message(write_folder(scores=scores))
    assert "3 rows: is above 1, as most scores of source 'paper B' are, which looks like" in said


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (10, "looks like points or percent: divide by the highest score that is possible"),
        (1500, "looks like no share of items solved: leave the benchmark out"),
    ],
)
def test_scores_on_other_scales(frames: dict[str, pd.DataFrame], factor: int, said: str) -> None:
    scores = frames["scores"].copy()
    rated = scores["benchmark"] == "MMLU"
    scores.loc[rated, "score"] *= factor
    with pytest.raises(DataError, match=f"on benchmark 'MMLU' are, which {said}"):
        Dataset.from_frames(**{**frames, "scores": scores})


# -- columns and names -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        ("models", "n_params", "params", "rename 'params' to 'n_params' if it holds that"),
        ("models", "n_params", "Model Size", "rename 'Model Size' to 'n_params'"),
        ("models", "n_params", "N-Params", "column 'N-Params': the column must be written 'n_p"),
        ("models", "release_date", "Release Date", "must be written 'release_date'"),
        ("models", "model,", "Model_Name,", "rename 'Model_Name' to 'model'"),
        ("benchmarks", "chance", "random_baseline", "rename 'random_baseline' to 'chance'"),
        ("scores", "score", "accuracy", "rename 'accuracy' to 'score'"),
        ("scores", "benchmark", "task", "rename 'task' to 'benchmark'"),
    ],
)
def test_column(table: str, old: str, new: str, said: str, write_folder: WriteFolder) -> None:
    assert said in message(write_folder(**{table: TEXTS[table].replace(old, new, 1)}))


@pytest.mark.parametrize(
    ("old", "new"), [("release_date", "date"), ("n_tokens", "tokens"), ("is_base", "Base")]
)
def test_optional_column_under_another_name_is_said(
    old: str, new: str, write_folder: WriteFolder
) -> None:
    folder = write_folder(models=MODELS.replace(old, new))
    said = f"models: column '{new}' is not read; rename it to '{old}' if it holds that"
    with pytest.warns(BayesdenseWarning, match=said):
        data = read_dataset(folder)
    assert new in data.models.columns


def test_wide_scores(write_folder: WriteFolder) -> None:
    said = message(write_folder(scores="model,MMLU,MATH\nref-1,0.3,0.05\nref-7,0.45,\n"))
    assert "scores: the columns MMLU, MATH are benchmarks; write one row for each score" in said


def test_few_unknown_names_have_near_matches_and_many_are_counted(
    write_folder: WriteFolder, frames: dict[str, pd.DataFrame]
) -> None:
    few = message(write_folder(scores=SCORES.replace("new-", "New-")))
    assert "2 rows: is not in the models table: did you mean 'new-2'?" in few
    assert "value 'New-9': is not in the models table: did you mean 'new-9'?" in few
    scores = frames["scores"].assign(model=[f"other-{i}" for i in range(9)])
    with pytest.raises(
        DataError, match="9 rows: is not in the models table, nor are 8 other names; f"
    ):
        Dataset.from_frames(**{**frames, "scores": scores})


def test_repeated_rows(write_folder: WriteFolder) -> None:
    again = SCORES.splitlines(keepends=True)
    scores = "".join([*again, again[1], again[2], again[3].replace("0.05", "0.06")])
    said = message(write_folder(scores=scores))
    assert "2 rows: repeats an earlier line in every cell; remove one of them (lines 11, 12" in said
    assert "line 13" in said
    assert "repeats line 4 with other values; model, benchmark, source must be unique" in said


def test_padded_names_are_no_unknown_names_as_well(write_folder: WriteFolder) -> None:
    said = message(write_folder(models=MODELS.replace("new-9", "new-9\u00a0")))
    assert said.startswith("1 problem in folder")
    assert "has blanks around it" in said
