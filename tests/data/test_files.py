"""Tables in other files than CSV, and CSV files that are not quite that."""

from __future__ import annotations

import datetime as dt
import gzip
import importlib.util
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesdense.data import Dataset, read_dataset
from bayesdense.data.cells import as_text
from bayesdense.data.files import TableFile, parse_file
from bayesdense.errors import DataError

from .conftest import BENCHMARKS, MODELS, SCORES, WriteFolder

needs_pyarrow = pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed"
)


def message(folder: Path) -> str:
    with pytest.raises(DataError) as error:
        read_dataset(folder)
    return str(error.value)


def typed(text: str = MODELS) -> pd.DataFrame:
    """Return the models as a notebook has them: numbers, days and flags."""
    return pd.read_csv(io.StringIO(text), parse_dates=["release_date"])


def parquet(frame: pd.DataFrame, **how: Any) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file, engine="pyarrow", **how)
    return file.getvalue()


def put(folder: Path, name: str, content: bytes) -> Path:
    """Replace the file of a table by another."""
    (folder / f"{name.partition('.')[0]}.csv").unlink(missing_ok=True)
    (folder / name).write_bytes(content)
    return folder


# -- compressed ------------------------------------------------------------------------------


def test_compressed(write_folder: WriteFolder, small: Dataset) -> None:
    assert read_dataset(put(write_folder(), "models.csv.gz", gzip.compress(MODELS.encode()))) == (
        small
    )


def test_faults_of_a_compressed_file_have_lines(write_folder: WriteFolder) -> None:
    bad = gzip.compress(MODELS.replace("9e9", "9B").encode())
    said = message(put(write_folder(), "models.csv.gz", bad))
    assert "models, line 5, column 'n_params', value '9B'" in said


@pytest.mark.parametrize(
    "content",
    [b"", b"model,n_params\n", gzip.compress(b"x" * 999)[:-9]],
    # gzip writes the time, which would be part of the name.
    ids=["empty", "text", "cut short"],
)
def test_no_gzip_file(content: bytes, write_folder: WriteFolder) -> None:
    said = message(put(write_folder(), "models.csv.gz", content))
    assert "models: file models.csv.gz is" in said


# -- parquet ---------------------------------------------------------------------------------


@needs_pyarrow
def test_parquet(write_folder: WriteFolder, small: Dataset) -> None:
    assert read_dataset(put(write_folder(), "models.parquet", parquet(typed()))) == small


@needs_pyarrow
def test_parquet_with_the_models_as_index(write_folder: WriteFolder, small: Dataset) -> None:
    content = parquet(typed().set_index("model"))
    assert read_dataset(put(write_folder(), "models.parquet", content)) == small


@needs_pyarrow
def test_single_precision_is_read_as_it_was_meant(
    write_folder: WriteFolder, small: Dataset
) -> None:
    scores = pd.read_csv(io.StringIO(SCORES)).astype({"score": "float32", "n_sources": "int8"})
    assert read_dataset(put(write_folder(), "scores.parquet", parquet(scores))) == small


@needs_pyarrow
def test_faults_of_a_parquet_file_have_rows(write_folder: WriteFolder) -> None:
    models = typed().assign(n_params=[1.0, 7.0, 2.0, 9.0, 4.0], is_base=1)
    said = message(put(write_folder(), "models.parquet", parquet(models)))
    assert "5 rows: is below 1,000, which looks like billions" in said
    assert "(rows 0, 1, 2 and 2 more" in said
    assert "write true for 1 and false for 0" in said


def test_no_parquet_file(write_folder: WriteFolder) -> None:
    said = message(put(write_folder(), "models.parquet", b"PARQUET"))
    assert "models: file models.parquet is no parquet file that can be read" in said


@needs_pyarrow
def test_cut_parquet_file(write_folder: WriteFolder) -> None:
    said = message(put(write_folder(), "models.parquet", parquet(typed())[:-20]))
    assert "models: file models.parquet is no parquet file that can be read" in said


# -- spreadsheets ----------------------------------------------------------------------------


def as_sheet(text: str) -> pd.DataFrame:
    """Return what pandas makes of a sheet that is read without a header."""
    frame = typed(text).astype(object)
    cells = [list(frame.columns), *frame.where(frame.notna(), "").to_numpy().tolist()]
    return pd.DataFrame(cells, dtype=object)


@pytest.fixture
def workbook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let pandas find sheets in any zip file, as the readers need not be installed."""

    def make(sheets: Mapping[str, pd.DataFrame] | Exception) -> bytes:
        def read_excel(*_: object, **__: object) -> Mapping[str, pd.DataFrame]:
            if isinstance(sheets, Exception):
                raise sheets
            return sheets

        monkeypatch.setattr("bayesdense.data.files.pd.read_excel", read_excel)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
        return empty_zip()

    return make


def empty_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("workbook.xml", "")
    return file.getvalue()


@pytest.mark.parametrize(("ending", "package"), [("xlsx", "openpyxl"), ("ods", "odf")])
def test_spreadsheets_that_a_program_wrote(
    ending: str, package: str, write_folder: WriteFolder, small: Dataset, tmp_path: Path
) -> None:
    """Numbers, days and flags are cells of their own kind, as spreadsheets have them."""
    pytest.importorskip(package)
    folder = write_folder()
    models = typed().assign(is_base=[True, False, True, True, True][: len(typed())])
    models["release_date"] = pd.to_datetime(models["release_date"])
    (folder / "models.csv").write_text(models.to_csv(index=False), "utf-8")
    by_text = read_dataset(folder)
    (folder / "models.csv").unlink()
    models.to_excel(folder / f"models.{ending}", index=False, engine=package)
    assert read_dataset(folder) == by_text
    assert len(by_text.models) == len(small.models)


@pytest.mark.parametrize("name", ["models.xlsx", "models.ods"])
def test_spreadsheet(name: str, workbook: Any, write_folder: WriteFolder, small: Dataset) -> None:
    sheets = {"Sheet1": as_sheet(MODELS), "Sheet2": pd.DataFrame()}
    assert read_dataset(put(write_folder(), name, workbook(sheets))) == small


def test_sheet_of_the_table_is_taken_among_several(
    workbook: Any, write_folder: WriteFolder, small: Dataset
) -> None:
    notes = pd.DataFrame([["a note"]])
    content = workbook({"notes": notes, "models": as_sheet(MODELS)})
    folder = put(write_folder(), "models.xlsx", content)
    assert read_dataset(folder) == small
    workbook({"notes": notes, "Sheet1": as_sheet(MODELS)})
    assert "file models.xlsx has sheets notes, Sheet1; keep one, or call one models" in (
        message(folder)
    )


def test_faults_of_a_spreadsheet_have_its_rows(workbook: Any, write_folder: WriteFolder) -> None:
    content = workbook({"Sheet1": as_sheet(MODELS.replace("9e9", "9B"))})
    said = message(put(write_folder(), "models.xlsx", content))
    assert "models, line 5, column 'n_params', value '9B'" in said


@pytest.mark.parametrize(
    ("name", "package"),
    [("models.xlsx", "openpyxl"), ("models.ods", "odfpy"), ("models.parquet", "pyarrow")],
)
def test_reader_that_is_not_installed(
    name: str, package: str, write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    content = b"PAR1" if name.endswith("parquet") else empty_zip()
    said = message(put(write_folder(), name, content))
    assert said.startswith("1 problem in folder")
    assert f"file {name} needs the package {package} to be read; install it, or save" in said


def test_no_spreadsheet(workbook: Any, write_folder: WriteFolder) -> None:
    folder = put(write_folder(), "models.xlsx", b"PK\x03\x04xx")
    assert "file models.xlsx is no spreadsheet that can be read" in message(folder)
    (folder / "models.xlsx").write_bytes(workbook(KeyError("no item named xl/workbook.xml")))
    assert "file models.xlsx is no spreadsheet that can be read" in message(folder)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (7, "7"),
        (7e9, "7000000000"),
        (1e20, "1e+20"),
        (0.45, "0.45"),
        (np.float32(0.45), "0.45"),
        (np.int64(3), "3"),
        (np.bool_(False), "false"),
        (dt.date(2024, 6, 1), "2024-06-01"),
        (np.datetime64("2024-06-01"), "2024-06-01"),
        (dt.datetime(2024, 6, 1, 12), "2024-06-01 12:00:00"),
        (pd.NaT, ""),
        (np.nan, ""),
        (np.inf, "inf"),
        (" a ", " a "),
    ],
)
def test_typed_cells_as_text(cell: object, text: str) -> None:
    assert as_text(cell) == text


# -- which file ------------------------------------------------------------------------------


def test_two_files_of_one_table(write_folder: WriteFolder) -> None:
    folder = write_folder()
    (folder / "models.xlsx").write_bytes(b"")
    said = message(folder)
    assert said.startswith("1 problem in folder")
    assert "models.csv and models.xlsx are both there; keep the one that is to be read" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Models.csv", "file models.csv is missing; rename Models.csv to models.csv"),
        ("models.tsv", "models.tsv is not read, save it as models.csv"),
        ("models.xls", "models.xls is not read, save it as models.csv"),
        ("models.csv.zip", "models.csv.zip is not read, save it as models.csv"),
        ("model.csv", "rename model.csv to models.csv if it is that; the folder has benchmarks"),
        ("my-models.xlsx", "rename my-models.xlsx to models.xlsx if it is that"),
        ("losses.tsv", "file losses.csv is missing; losses.tsv is not read, save it as"),
        ("tables.xlsx", "file models.csv is missing; the folder has benchmarks.csv, scores.csv, t"),
    ],
)
def test_file_of_another_name(name: str, said: str, write_folder: WriteFolder) -> None:
    folder = write_folder(losses=None, models=MODELS if name.startswith("losses") else None)
    (folder / name).write_text(MODELS)
    assert said in message(folder)


@needs_pyarrow
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(MODELS.encode()), "is compressed; name it models.csv.gz"),
        (empty_zip(), "name it models.xlsx if it is a spreadsheet"),
        (parquet(pd.DataFrame({"model": ["a"]})), "is a parquet file; name it models.parquet"),
    ],
)
def test_other_file_under_the_name_of_csv(
    content: bytes, said: str, write_folder: WriteFolder
) -> None:
    assert f"file models.csv {said}" in message(write_folder(models=content)).replace(
        "is binary, a spreadsheet or a zip file; ", ""
    )


# -- CSV that is not quite that --------------------------------------------------------------


@pytest.mark.parametrize(
    ("delimiter", "said"),
    [
        (";", "separated by semicolons; cells must be separated by commas, and numbers must"),
        ("\t", "separated by tabs; cells must be separated by commas"),
        ("|", "separated by vertical bars; cells must be separated by commas"),
    ],
)
def test_separators_are_said_once(delimiter: str, said: str, write_folder: WriteFolder) -> None:
    # Commas in the text of some rows, as in a number with a decimal comma.
    text = MODELS.replace(",", delimiter).replace("1e9", "1000000000,0").replace("Ref", "R,e,f")
    text_of_folder = message(write_folder(models=text))
    assert text_of_folder.startswith("1 problem in folder")
    assert f"models, line 1: cells are {said}" in text_of_folder


def test_separators_in_text_are_left_alone(write_folder: WriteFolder) -> None:
    text = MODELS.replace("solo,,", 'solo,"model;n_params;n_tokens|family",')
    assert "model;n_params" in str(
        read_dataset(write_folder(models=text)).models["family"].tolist()
    )


@pytest.mark.parametrize(
    ("above", "said"),
    [
        ("# my models\n", "line 1, value '# my models': a comment is above the header, which is"),
        ("# my models\n\n# of 2024\n", "which is in line 4; take out what is above"),
        ("Table 3: Models,,,,,,,\n", "value 'Table 3: Models': a title or other text is above the"),
    ],
)
def test_lines_above_the_header(above: str, said: str, write_folder: WriteFolder) -> None:
    text = message(write_folder(models=above + MODELS))
    assert text.startswith("1 problem in folder")
    assert said in text


def test_comment_below_the_header(write_folder: WriteFolder) -> None:
    said = message(write_folder(models=MODELS.replace("solo", "# targets\n# of 2024\nsolo")))
    assert "2 rows: the line is a comment; take out lines that begin with '#' (lines 6, 7)" in (
        said.replace("models, ", "")
    )


def test_no_header(write_folder: WriteFolder) -> None:
    text = message(write_folder(models=MODELS.partition("\n")[2]))
    assert text.startswith("1 problem in folder")
    assert "names no column of this table; it must be a header with model, n_params" in text


def test_blank_rows_are_skipped_and_counted(write_folder: WriteFolder, small: Dataset) -> None:
    text = MODELS.replace("new-2", ",,,,,,,\n , ,,,,,,\n\nnew-2") + ",,,,,,,\n,,,,,,,\n"
    folder = write_folder(models=text)
    assert read_dataset(folder) == small
    (folder / "models.csv").write_text(text.replace("9e9", "x"))
    assert "models, line 8, column 'n_params'" in message(folder)


@pytest.mark.parametrize("start", [0, 1])
def test_column_that_counts_rows_is_skipped(
    start: int, write_folder: WriteFolder, small: Dataset
) -> None:
    head, *rows = MODELS.splitlines()
    text = "\n".join([f",{head}", *(f"{i},{row}" for i, row in enumerate(rows, start))])
    assert read_dataset(write_folder(models=text)).models.columns.tolist() == (
        small.models.columns.tolist()
    )


def test_other_column_without_a_name_is_refused(write_folder: WriteFolder) -> None:
    head, *rows = MODELS.splitlines()
    text = "\n".join([f",{head}", *(f"{i * i},{row}" for i, row in enumerate(rows))])
    assert "the header has a column without a name" in message(write_folder(models=text))


def test_empty_cells_beyond_the_last_column(write_folder: WriteFolder, small: Dataset) -> None:
    assert read_dataset(write_folder(models=MODELS.replace("\n", ",,\n"))) == small


def test_empty_cells_beyond_the_header(tmp_path: Path) -> None:
    head, rows = BENCHMARKS.split("\n", 1)
    content = (head + "\n" + rows.replace("\n", ",,\n")).encode()
    parsed = parse_file(TableFile("benchmarks", "benchmarks.csv", content))
    assert isinstance(parsed, tuple)
    assert parsed[0].shape == (3, 4)
