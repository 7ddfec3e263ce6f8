"""What a user can get wrong in a folder, and what the message must say."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from bayesdense.data import Dataset, read_dataset, validate
from bayesdense.errors import DataError

from .conftest import BENCHMARKS, LOSSES, MODELS, SCORES, WriteFolder

NUMBER_ABOVE_0 = "allowed: a finite number above 0"
SIZE = "allowed: a number of parameters from 1,000 up"
TOKENS = "allowed: a number of tokens from 1,000,000 up"
FRACTION = "allowed: a fraction from 0 to 1"

# file, text there, text instead, and all that the message must hold
CELLS: dict[str, tuple[str, str, str, list[str]]] = {
    "score above 1": (
        "scores",
        "0.60",
        "1.2",
        ["scores, line 8, column 'score', value '1.2'", "is above 1;", FRACTION],
    ),
    "score negative": (
        "scores",
        "0.60",
        "-0.1",
        ["scores, line 8, column 'score', value '-0.1'", FRACTION],
    ),
    "score NaN": (
        "scores",
        "0.60",
        "NaN",
        [
            "scores, line 8, column 'score', value 'NaN'",
            "it stands for a missing one, leave the row out",
        ],
    ),
    "score missing": (
        "scores",
        "0.60",
        "",
        ["scores, line 8, column 'score', value ''", "is missing", FRACTION],
    ),
    "score text": (
        "scores",
        "0.60",
        "60%",
        ["scores, line 8, column 'score', value '60%'", "is not a number", FRACTION],
    ),
    "score infinite": (
        "scores",
        "0.60",
        "inf",
        ["scores, line 8, column 'score', value 'inf'", "is not finite", FRACTION],
    ),
    "score too large for a float": (
        "scores",
        "0.60",
        "1e999",
        ["scores, line 8, column 'score', value '1e999'", "is not finite"],
    ),
    "unknown model": (
        "scores",
        "new-9,MMLU",
        "new-99,MMLU",
        ["scores, line 8, column 'model', value 'new-99'", "did you mean 'new-9'?", "Known: ref-1"],
    ),
    "unknown benchmark": (
        "scores",
        "new-9,MMLU",
        "new-9,MMLO",
        ["scores, line 8, column 'benchmark', value 'MMLO'", "did you mean 'MMLU'?"],
    ),
    "duplicate score": (
        "scores",
        "new-9,MMLU,0.60,lm-eval,paper B",
        "new-2,MMLU,0.60,lm-eval,paper B",
        ["scores, line 8", "'new-2, MMLU, paper B'", "repeats line 6", "must be unique"],
    ),
    "blank harness name": (
        "scores",
        "vendor",
        "vendor ",
        ["scores, line 10, column 'harness', value 'vendor '", "has blanks around it"],
    ),
    "n_sources zero": (
        "scores",
        "0.65,lm-eval,paper C,1",
        "0.65,lm-eval,paper C,0",
        ["scores, line 9, column 'n_sources', value '0'", "a whole number from 1 up"],
    ),
    "n_sources not whole": (
        "scores",
        "0.65,lm-eval,paper C,1",
        "0.65,lm-eval,paper C,1.5",
        ["scores, line 9, column 'n_sources', value '1.5'", "a whole number from 1 up"],
    ),
    "date not ISO": (
        "models",
        "2023-12-01",
        "1 Dec 2023",
        ["models, line 5, column 'release_date', value '1 Dec 2023'", "an ISO day such as"],
    ),
    "date of no calendar": (
        "models",
        "2023-12-01",
        "2023-02-30",
        ["models, line 5, column 'release_date', value '2023-02-30'", "is not a day"],
    ),
    "date of another age": (
        "models",
        "2023-12-01",
        "0023-12-01",
        ["models, line 5, column 'release_date'", "is not a day of our time", "1990 to 2099"],
    ),
    "date with a time": (
        "models",
        "2023-12-01",
        "2023-12-01T10:00",
        ["models, line 5, column 'release_date'", "is not a day"],
    ),
    "n_params negative": (
        "models",
        "9e9",
        "-9e9",
        ["models, line 5, column 'n_params', value '-9e9'", SIZE],
    ),
    "n_params in billions": (
        "models",
        "9e9",
        "9",
        ["models, line 5, column 'n_params', value '9'", SIZE],
    ),
    "n_tokens in trillions": (
        "models",
        "2e12",
        "2",
        ["models, line 4, column 'n_tokens', value '2'", TOKENS],
    ),
    "n_params zero": (
        "models",
        "9e9",
        "0",
        ["models, line 5, column 'n_params', value '0'", SIZE],
    ),
    "n_params missing": (
        "models",
        "9e9",
        "",
        ["models, line 5, column 'n_params', value ''", "is missing", SIZE],
    ),
    "n_params with a suffix": (
        "models",
        "9e9",
        "9B",
        ["models, line 5, column 'n_params', value '9B'", "is not a number"],
    ),
    "n_active above n_params": (
        "models",
        "2e9,1e9",
        "2e9,3e9",
        ["models, line 4, column 'n_active', value '3e9'", "is more than n_params", "up to 2e+09"],
    ),
    "n_active not positive": (
        "models",
        "2e9,1e9",
        "2e9,-1",
        ["models, line 4, column 'n_active', value '-1'", SIZE],
    ),
    "n_tokens not positive": (
        "models",
        "2e12",
        "0",
        ["models, line 4, column 'n_tokens', value '0'", TOKENS],
    ),
    "flag that is a number": (
        "models",
        "2e12,true",
        "2e12,1",
        ["models, line 4, column 'is_base', value '1'", "allowed: true or false"],
    ),
    "flag in words": (
        "models",
        "2e12,true",
        "2e12,yes",
        ["models, line 4, column 'is_base', value 'yes'", "allowed: true or false"],
    ),
    "blank model name": (
        "models",
        "solo,,",
        " ,,",
        ["models, line 6, column 'model', value ' '", "is missing", "lines 9, 10"],
    ),
    "padded model name": (
        "models",
        "solo,,",
        "solo ,,",
        ["models, line 6, column 'model', value 'solo '", "has blanks around it"],
    ),
    "line break in a name": (
        "models",
        "solo,,",
        '"so\nlo",,',
        ["models, line 6, column 'model'", "line break"],
    ),
    "duplicate model": (
        "models",
        "solo,,",
        "new-2,,",
        ["models, line 6, column 'model', value 'new-2'", "repeats line 4"],
    ),
    "duplicate benchmark": (
        "benchmarks",
        "GSM8K",
        "MMLU",
        ["benchmarks, line 4, column 'benchmark', value 'MMLU'", "repeats line 2"],
    ),
    "chance of 1": (
        "benchmarks",
        "0.25",
        "1",
        ["benchmarks, line 2, column 'chance', value '1'", "up to, but not including, 1"],
    ),
    "chance in percent": (
        "benchmarks",
        "0.25",
        "25",
        ["benchmarks, line 2, column 'chance', value '25'", "allowed: a fraction from 0"],
    ),
    "chance negative": (
        "benchmarks",
        "0.25",
        "-0.25",
        ["benchmarks, line 2, column 'chance', value '-0.25'"],
    ),
    "no items": (
        "benchmarks",
        "14042",
        "0",
        ["benchmarks, line 2, column 'n_items', value '0'", "a whole number from 1 up"],
    ),
    "half an item": (
        "benchmarks",
        "14042",
        "140.5",
        ["benchmarks, line 2, column 'n_items', value '140.5'", "a whole number from 1 up"],
    ),
    "loss zero": (
        "losses",
        "2.6",
        "0",
        ["losses, line 3, column 'loss', value '0'", NUMBER_ABOVE_0],
    ),
    "loss of an unknown model": (
        "losses",
        "ref-7",
        "ref-8",
        ["losses, line 3, column 'model', value 'ref-8'", "is not in the models table"],
    ),
    "mixed loss units": (
        "losses",
        "2.6,nats per token",
        "2.6,bits per byte",
        [
            "losses, line 3, column 'unit', value 'bits per byte'",
            "loss set 'c4' is in 'nats per token' at line 2",
            "one unit each",
        ],
    ),
    "loss unit missing": (
        "losses",
        "2.6,nats per token",
        "2.6,",
        ["losses, line 3, column 'unit', value ''", "is missing"],
    ),
    "duplicate loss": (
        "losses",
        "ref-7",
        "ref-1",
        ["losses, line 3, column 'model, loss_set', value 'ref-1, c4'", "repeats line 2"],
    ),
}
TEXTS = {"models": MODELS, "benchmarks": BENCHMARKS, "scores": SCORES, "losses": LOSSES}


@pytest.mark.parametrize("case", CELLS)
def test_bad_cell(case: str, write_folder: WriteFolder) -> None:
    table, old, new, said = CELLS[case]
    assert old in TEXTS[table]
    folder = write_folder(**{table: TEXTS[table].replace(old, new, 1)})
    with pytest.raises(DataError) as error:
        read_dataset(folder)
    for part in [str(folder), *said]:
        assert part in str(error.value)
    assert any(p.table == table and isinstance(p.row, int) for p in error.value.problems)


FILES: dict[str, tuple[dict[str, str | bytes | None], list[str]]] = {
    "missing table": ({"scores": None}, ["scores", "file scores.csv is missing", "models.csv"]),
    "missing column": (
        {"models": MODELS.replace("n_params", "size")},
        ["models, column 'n_params'", "the column is missing", "size"],
    ),
    "column in capitals": (
        {"models": MODELS.replace("family", "Family")},
        ["models, column 'Family'", "must be written 'family'"],
    ),
    "column twice": (
        {"models": MODELS.replace("n_active", "n_params")},
        ["models, column 'n_params'", "there twice"],
    ),
    "column without a name": (
        {"models": MODELS.replace("family", "")},
        ["models, line 1", "without a name"],
    ),
    "no rows": (
        {"models": MODELS.splitlines()[0] + "\n"},
        ["models: the table has no rows; at least one is needed"],
    ),
    "empty file": ({"scores": ""}, ["scores: file scores.csv is empty; it needs a header"]),
    "blank file": ({"scores": "\n \n"}, ["scores: file scores.csv is empty"]),
    "binary file": ({"models": b"PK\x03\x04\0\0\0"}, ["models: file models.csv is binary"]),
    "UTF-16 file": (
        {"models": MODELS.encode("utf-16")},
        ["models.csv is UTF-16; save it as UTF-8"],
    ),
    "Latin-1 file": (
        {"models": MODELS.replace("solo", "s\u00f6lo").encode("latin-1")},
        ["models, line 6: file models.csv is not UTF-8"],
    ),
    "long row": (
        {"models": MODELS.replace("9e9,,,false,false", "9e9,,,false,false,extra")},
        ["models, line 5", "the row has 9 cells; the header has 8"],
    ),
    "short row": (
        {"models": MODELS.replace("9e9,,,false,false", "9e9")},
        ["models, line 5", "the row has 4 cells; the header has 8"],
    ),
    "open quote": (
        {"models": MODELS.replace("solo", '"solo')},
        ["models, line 6", "cannot be read as CSV"],
    ),
    "semicolons": (
        {"models": MODELS.replace(",", ";")},
        ["models, line 1", "must be separated by commas"],
    ),
    "scores in percent": (
        {"scores": SCORES.replace("0.", "")},
        [
            "9 problems of 1 kind",
            "scores, column 'score', 9 rows: is above 1",
            "looks like percent: divide by 100",
            "(lines 2, 3, 4 and 6 more; values '30', '45', '05', ...)",
        ],
    ),
    "broken package": ({"datapackage": "{"}, ["datapackage.json", "is not valid JSON"]),
    "package of another kind": ({"datapackage": "[]"}, ["must hold a JSON object"]),
    "changed since packaged": (
        {
            "datapackage": json.dumps(
                {"resources": [{"path": "scores.csv", "hash": "sha256:" + "0" * 64}]}
            )
        },
        ["scores: file scores.csv has changed since datapackage.json was written", "0" * 64],
    ),
    "other length than packaged": (
        {"datapackage": json.dumps({"resources": [{"path": "scores.csv", "bytes": 3}]})},
        ["scores: file scores.csv has changed", "not 3"],
    ),
    "unknown hash": (
        {"datapackage": json.dumps({"resources": [{"path": "scores.csv", "hash": "crc:00"}]})},
        ["scores, value 'crc:00'", "sha256"],
    ),
    "packaged file is gone": (
        {
            "losses": None,
            "datapackage": json.dumps({"resources": [{"path": "losses.csv", "hash": "0"}]}),
        },
        ["losses: file losses.csv is missing, but datapackage.json lists it"],
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_bad_file(case: str, write_folder: WriteFolder) -> None:
    files, said = FILES[case]
    folder = write_folder(**files)
    with pytest.raises(DataError) as error:
        read_dataset(folder)
    for part in [str(folder), *said]:
        assert part in str(error.value)


def test_every_problem_is_collected(write_folder: WriteFolder) -> None:
    folder = write_folder(
        models=MODELS.replace("9e9", "-1").replace("2023-06-01", "soon"),
        benchmarks=BENCHMARKS.replace("0.25", "2"),
        scores=SCORES.replace("0.70", "x"),
        losses=LOSSES.replace("2.6", "-2"),
    )
    with pytest.raises(DataError, match="5 problems in folder") as error:
        read_dataset(folder)
    assert [(p.table, p.row, p.column, p.value) for p in error.value.problems] == [
        ("models", 4, "release_date", "soon"),
        ("models", 5, "n_params", "-1"),
        ("benchmarks", 2, "chance", "2"),
        ("scores", 10, "score", "x"),
        ("losses", 3, "loss", "-2"),
    ]


def test_problems_of_other_files_show_beside_a_file_that_cannot_be_read(
    write_folder: WriteFolder,
) -> None:
    folder = write_folder(models="", scores=SCORES.replace("0.70", "x"))
    with pytest.raises(DataError) as error:
        read_dataset(folder)
    assert [p.table for p in error.value.problems] == ["models", "scores"]


def test_missing_column_does_not_hide_other_problems(write_folder: WriteFolder) -> None:
    folder = write_folder(models=MODELS.replace("n_params", "size").replace("2023-06-01", "soon"))
    with pytest.raises(DataError) as error:
        read_dataset(folder)
    assert [p.column for p in error.value.problems] == ["n_params", "release_date"]


def test_equal_problems_are_one_line(write_folder: WriteFolder) -> None:
    rows = "".join(f"solo,MATH,{'' if i % 2 else 2},h,s{i},1\n" for i in range(5000))
    with pytest.raises(DataError) as error:
        read_dataset(write_folder(scores=SCORES + rows, models=MODELS.replace("9e9", "x")))
    head, *lines = str(error.value).splitlines()
    assert head.startswith("5,001 problems of 3 kinds in folder")
    # In the order of files and of columns, so that the rare problem of the first file comes first.
    assert [line.split(":")[0] for line in lines] == [
        "  models, line 5, column 'n_params', value 'x'",
        "  scores, column 'score', 2,500 rows",
        "  scores, column 'score', 2,500 rows",
    ]
    assert "(lines 11, 13, 15 and 2,497 more; value '2')" in lines[1]
    assert "(lines 12, 14, 16 and 2,497 more)" in lines[2]
    assert len(error.value.problems) == 5001


def test_line_numbers_count_blank_lines_and_line_breaks_in_cells(
    write_folder: WriteFolder,
) -> None:
    text = MODELS.replace("is_reference\n", "is_reference,note\n")
    lines = [line + (",n" if i else "") for i, line in enumerate(text.splitlines())]
    lines[1] = lines[1].removesuffix("n") + '"two\nlines"'
    text = "\n".join([*lines[:3], "", *lines[3:]]).replace("9e9", "x")
    with pytest.raises(DataError, match="models, line 7, column 'n_params'"):
        read_dataset(write_folder(models=text))


FRAMES: dict[str, tuple[str, str, Any, list[str]]] = {
    "bool as a number": ("scores", "score", True, ["scores, row 3, column 'score', value True"]),
    "infinite": ("scores", "score", float("inf"), ["value inf", "is not finite"]),
    "NaN": ("scores", "score", float("nan"), ["row 3, column 'score', value nan", "is missing"]),
    "none": ("scores", "score", None, ["row 3, column 'score'", "is missing"]),
    "list": ("scores", "score", [1], ["row 3, column 'score', value [1]", "is not a number"]),
    "number as a name": ("scores", "model", 7, ["row 3, column 'model', value 7", "is not text"]),
    "number as a flag": ("models", "is_base", 1.0, ["row 3, column 'is_base', value 1.0"]),
    "time of day": (
        "models",
        "release_date",
        pd.Timestamp("2023-01-01 10:00"),
        ["row 3, column 'release_date'", "is not a day"],
    ),
    "time zone": (
        "models",
        "release_date",
        pd.Timestamp("2023-01-01", tz="UTC"),
        ["row 3, column 'release_date'", "is not a day"],
    ),
    "year alone": ("models", "release_date", 2023, ["column 'release_date', value 2023"]),
}


@pytest.mark.parametrize("case", FRAMES)
def test_bad_frame(case: str, frames: dict[str, pd.DataFrame]) -> None:
    table, column, value, said = FRAMES[case]
    changed = frames[table].astype({column: object})
    changed.at[3, column] = value
    with pytest.raises(DataError) as error:
        Dataset.from_frames(**{**frames, table: changed}, name="mine")
    for part in ["in 'mine'", *said]:
        assert part in str(error.value)


def test_no_frame(frames: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(DataError, match="scores is a list; allowed is a DataFrame"):
        Dataset.from_frames(**{**frames, "scores": []})


@pytest.mark.parametrize(
    ("path", "said"),
    [("no/such/folder", "does not exist"), (__file__, "is a file"), (3, "path of a folder")],
)
def test_no_folder(path: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        validate(path)
