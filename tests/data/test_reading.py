"""What a good folder becomes, how it is written, and what the digest means."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesdense.data import Dataset, read_dataset, validate
from bayesdense.data.schema import SCHEMA
from bayesdense.errors import DataError

from .conftest import MODELS, SCORES, WriteFolder


def test_defaults(small: Dataset) -> None:
    models = small.models.set_index("model")
    assert models.loc["solo", "family"] == "solo"
    assert models.loc["new-9", "n_active"] == 9e9
    assert np.isnan(models.loc["solo", "n_tokens"])
    assert not models["is_compressed"].any()
    assert models.loc["solo", "n_params_source"] == ""
    assert small.benchmarks["loss_set"].tolist() == ["MMLU", "MATH", "GSM8K"]
    assert small.scores["n_items"].tolist()[-2:] == [14042.0, 1319.0]
    assert small.losses["source"].unique().tolist() == ["unknown"]
    assert small.core_benchmarks == ["MMLU", "MATH"]
    for name, schema in SCHEMA.items():
        assert list(getattr(small, name).columns) == schema.column_names


def test_types(small: Dataset) -> None:
    models = small.models
    assert models["release_date"].dtype.kind == "M"
    assert {models[c].dtype for c in ("n_params", "n_active", "n_tokens")} == {np.dtype("float64")}
    assert {models[c].dtype for c in ("is_base", "is_reference")} == {np.dtype("bool")}
    assert small.scores["n_sources"].dtype == np.dtype("int64")


def test_minimal_frames() -> None:
    data = Dataset.from_frames(
        models=pd.DataFrame({"model": ["a"], "n_params": [7000]}),
        benchmarks=pd.DataFrame({"benchmark": ["b"], "n_items": [1], "chance": [0]}),
        scores=pd.DataFrame({"model": ["a"], "benchmark": ["b"], "score": [1]}),
    )
    assert data.models.loc[0, ["family", "is_base", "is_reference"]].tolist() == ["a", True, False]
    assert data.models["release_date"].isna().all()
    assert data.scores.loc[0, ["harness", "source"]].tolist() == ["default", "unknown"]
    assert list(data.losses.columns) == SCHEMA["losses"].column_names
    assert not len(data.losses)


def test_counts_beyond_64_bit_integers(frames: dict[str, pd.DataFrame]) -> None:
    models = frames["models"].assign(n_tokens=pd.Series([10**20] * 5, dtype=object))
    assert Dataset.from_frames(**{**frames, "models": models}).models["n_tokens"][0] == 1e20


@pytest.mark.parametrize(
    "day", [dt.date(2024, 2, 29), dt.datetime(2024, 2, 29), np.datetime64("2024-02-29")]
)
def test_dates_as_objects(frames: dict[str, pd.DataFrame], day: object) -> None:
    models = frames["models"].assign(release_date=pd.Series([day] * 5, dtype=object))
    made = Dataset.from_frames(**{**frames, "models": models})
    assert set(made.models["release_date"]) == {pd.Timestamp("2024-02-29")}


def test_extra_columns_are_kept_and_typed(write_folder: WriteFolder, tmp_path: Path) -> None:
    head, *rows = MODELS.splitlines()
    notes = ["true,1,a", "false,,", "true,2,b", "true,3,1", "true,4,c"]
    text = "\n".join(
        [head + ",is_moe,layers,note", *(f"{a},{b}" for a, b in zip(rows, notes, strict=True))]
    )
    data = read_dataset(write_folder(models=text))
    extra = data.models[["is_moe", "layers", "note"]]
    assert [d.kind for d in extra.dtypes[:2]] == ["b", "f"]
    assert extra["note"].tolist() == ["a", "", "b", "1", "c"]
    assert data == read_dataset(data.to_folder(tmp_path / "copy"))


def test_byte_order_mark_and_windows_line_ends(small: Dataset, tmp_path: Path) -> None:
    folder = small.to_folder(tmp_path / "copy")
    for file in folder.glob("*.csv"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert read_dataset(folder) == small


def test_other_files_are_left_alone(write_folder: WriteFolder) -> None:
    folder = write_folder(prices="a;b\n", notes=b"\0\0")
    assert read_dataset(folder).name == "mine"


def test_losses_may_be_missing_or_empty(write_folder: WriteFolder, small: Dataset) -> None:
    folder = write_folder(losses="model,loss_set,loss,unit\n")
    without = read_dataset(folder)
    (folder / "losses.csv").unlink()
    assert read_dataset(folder) == without != small


def test_loss_set_that_no_benchmark_names_is_allowed(small: Dataset) -> None:
    assert set(small.losses["loss_set"]) == {"c4"}


def test_package_gives_name_description_and_sources(write_folder: WriteFolder) -> None:
    sources = [{"title": "a table", "path": "https://example.org"}]
    package = {"name": "other", "description": "Some models.", "sources": sources}
    data = read_dataset(write_folder(datapackage=json.dumps(package)))
    assert (data.name, data.description, data.sources) == ("other", "Some models.", sources)


@pytest.mark.parametrize("algorithm", ["md5", "sha256", ""])
def test_checksums_of_a_user_are_compared(write_folder: WriteFolder, algorithm: str) -> None:
    digest = hashlib.new(algorithm or "md5", SCORES.encode()).hexdigest()
    stated = f"{algorithm}:{digest}" if algorithm else digest
    resource = {"path": "scores.csv", "hash": stated, "bytes": len(SCORES)}
    folder = write_folder(datapackage=json.dumps({"resources": [resource]}))
    assert len(read_dataset(folder).scores) == 9
    (folder / "scores.csv").write_text(SCORES.replace("0.70", "0.71"))
    with pytest.raises(DataError, match=r"scores\.csv has changed"):
        read_dataset(folder)


def test_package_of_other_files(write_folder: WriteFolder, small: Dataset) -> None:
    resources = [{"path": ["a.csv", "b.csv"], "hash": "0"}, {"path": "../x.csv", "hash": "0"}, 3]
    assert read_dataset(write_folder(datapackage=json.dumps({"resources": resources}))) == small


def test_validate_reports(small: Dataset) -> None:
    report = validate(small)
    assert report["table"].tolist() == list(SCHEMA)
    assert report["rows"].tolist() == [5, 3, 9, 2]


# -- a dataset does not change ---------------------------------------------------------------


def test_frames_are_copies(small: Dataset, frames: dict[str, pd.DataFrame]) -> None:
    before = small.digest
    given_models = frames["models"]
    data = Dataset.from_frames(**frames)
    given_models.loc[:, "n_params"] = 1.0
    models, scores, references = small.models, small.scores, small.references
    models.loc[0, "n_params"] = 5.0
    scores["score"] = 0.0
    references.loc[0, "n_params"] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        small.losses["loss"].to_numpy()[0] = 1.0
    small.sources.append({})
    assert Dataset(small.tables).digest == Dataset(data.tables).digest == before


def test_attributes_cannot_be_set(small: Dataset) -> None:
    with pytest.raises(AttributeError, match="does not change"):
        small.name = "other"  # type: ignore[misc]


def test_unchecked_frames_are_refused(frames: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(DataError, match=r"Dataset\.from_frames"):
        Dataset(frames)  # type: ignore[arg-type]


def test_pickles(small: Dataset) -> None:
    again = pickle.loads(pickle.dumps(small))
    assert again == small
    assert hash(again) == hash(small)
    assert small != "small"


def test_views(small: Dataset) -> None:
    assert small.references["model"].tolist() == ["ref-1", "ref-7"]
    assert small.targets["model"].tolist() == ["new-2", "new-9", "solo"]
    assert repr(small) == (
        "Dataset 'mine': 5 models (3 targets, 2 references), 3 benchmarks (2 core), 9 scores, "
        "2 losses"
    )
    summary = small.summary().set_index("benchmark")
    assert summary.loc["MMLU", ["n_models", "n_targets", "n_references"]].tolist() == [5, 3, 2]
    assert summary.loc["GSM8K", ["n_scores", "harnesses"]].tolist() == [1, "vendor"]
    assert "<table" in small._repr_html_()


# -- digest ----------------------------------------------------------------------------------


def test_digest_ignores_order_name_and_extra_columns(frames: dict[str, pd.DataFrame]) -> None:
    data = Dataset.from_frames(**frames)
    turned = {name: frame.iloc[::-1, ::-1] for name, frame in frames.items()}
    turned["models"] = turned["models"].assign(note="x")
    assert Dataset.from_frames(**turned, name="other", description="x").digest == data.digest


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("models", "n_params", 2e9),
        ("models", "family", "Other"),
        ("models", "is_base", False),
        ("models", "release_date", pd.Timestamp("2022-01-01")),
        ("models", "n_tokens", np.nan),
        ("models", "n_params_source", "recalled, unverified"),
        ("benchmarks", "chance", 0.2500001),
        ("benchmarks", "core", False),
        ("scores", "score", np.nextafter(0.3, 1)),
        ("scores", "harness", "other"),
        ("losses", "loss", 3.2),
    ],
)
def test_digest_sees_every_value(
    frames: dict[str, pd.DataFrame], table: str, column: str, value: object
) -> None:
    changed = frames[table].copy()
    changed.loc[0, column] = value
    other = Dataset.from_frames(**{**frames, table: changed})
    assert other.digest != Dataset.from_frames(**frames).digest


def test_digest_reads_a_later_column_only_where_it_says_something(
    frames: dict[str, pd.DataFrame],
) -> None:
    """Fits that were saved before there were developers keep the digest of their data."""
    data = Dataset.from_frames(**frames)
    models = data.models.assign(developer=data.models["family"])
    assert Dataset.from_frames(**frames | {"models": models}).digest == data.digest
    for row in (0, len(models) - 1):
        models = data.models.copy()
        models.loc[row, "developer"] = "somebody else"
        assert Dataset.from_frames(**frames | {"models": models}).digest != data.digest


def test_digest_knows_one_zero(frames: dict[str, pd.DataFrame]) -> None:
    signed = frames["benchmarks"].replace({"chance": {0.0: -0.0}})
    assert np.signbit(signed["chance"]).any()
    assert Dataset.from_frames(**{**frames, "benchmarks": signed}) == Dataset.from_frames(**frames)


def test_digest_has_not_drifted(small: Dataset) -> None:
    """Saved fits hold digests: a new value here means old files no longer match."""
    assert small.digest == ("fc20bd041b5de1ccf2dda1fed02d535a04b87b014749c6498360bce1af0d3406")


# -- writing ---------------------------------------------------------------------------------


def test_round_trip_keeps_content_and_story(small: Dataset, tmp_path: Path) -> None:
    chosen = small.select(since="2023-02-01")
    again = read_dataset(chosen.to_folder(tmp_path / "deep" / "copy"))
    assert again == chosen
    assert (again.name, again.selection) == (chosen.name, chosen.selection)
    pd.testing.assert_frame_equal(again.models, chosen.models)
    pd.testing.assert_frame_equal(again.scores, chosen.scores)


def test_a_written_folder_may_be_edited(small: Dataset, tmp_path: Path) -> None:
    folder = small.to_folder(tmp_path / "copy")
    scores = (folder / "scores.csv").read_text()
    (folder / "scores.csv").write_text(scores.replace("0.7,", "0.71,"))
    assert read_dataset(folder) != small


def test_no_folder_is_overwritten_unasked(small: Dataset, tmp_path: Path) -> None:
    folder = small.to_folder(tmp_path / "copy")
    with pytest.raises(DataError, match="is not empty; overwrite=True"):
        small.to_folder(folder)
    without = small.select(models=["solo"])
    without.to_folder(folder, overwrite=True)
    assert read_dataset(folder) == without
    (folder / "thesis.tex").write_text("x")
    with pytest.raises(DataError, match=r"thesis\.tex.* no part of a dataset"):
        small.to_folder(folder, overwrite=True)
    assert read_dataset(folder) == without
    with pytest.raises(DataError, match="is a file"):
        small.to_folder(folder / "thesis.tex", overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy", "small"]


def test_failed_write_leaves_the_old_folder(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small.to_folder(tmp_path / "copy")

    def full(*_: object) -> bytes:
        raise OSError("no space left")

    monkeypatch.setattr("bayesdense.data.write.csv_bytes", full)
    with pytest.raises(OSError, match="no space left"):
        small.select(models="solo").to_folder(folder, overwrite=True)
    assert read_dataset(folder) == small
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy", "small"]


def test_failed_exchange_brings_the_old_folder_back(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small.to_folder(tmp_path / "copy")
    rename = os.replace

    def refuse(source: Path, target: Path) -> None:
        if source.name == "new":
            raise OSError("is held by another program")
        rename(source, target)

    monkeypatch.setattr("bayesdense.data.atomic.os.replace", refuse)
    with pytest.raises(OSError, match="another program"):
        small.select(models="solo").to_folder(folder, overwrite=True)
    assert read_dataset(folder) == small


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=8
)
SIZES = st.floats(min_value=1e3, max_value=1e300)
UNIT = st.floats(min_value=0, max_value=1)


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    models = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    benchmarks = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    n = len(models)
    days = st.one_of(st.none(), st.dates(dt.date(1990, 1, 1), dt.date(2099, 12, 31)))
    pairs = draw(
        st.lists(
            st.tuples(st.sampled_from(models), st.sampled_from(benchmarks), UNIT),
            min_size=1,
            max_size=6,
            unique_by=lambda cell: cell[:2],
        )
    )
    return Dataset.from_frames(
        models=pd.DataFrame(
            {
                "model": models,
                "n_params": draw(st.lists(SIZES, min_size=n, max_size=n)),
                "release_date": pd.Series(
                    draw(st.lists(days, min_size=n, max_size=n)), dtype=object
                ),
                "is_reference": draw(st.lists(st.booleans(), min_size=n, max_size=n)),
            }
        ),
        benchmarks=pd.DataFrame(
            {
                "benchmark": benchmarks,
                "n_items": draw(st.integers(1, 10**6)),
                "chance": draw(st.floats(0, 1, exclude_max=True)),
            }
        ),
        scores=pd.DataFrame(pairs, columns=["model", "benchmark", "score"]),
    )


@settings(max_examples=50, deadline=None)
@given(datasets())
def test_round_trip_keeps_the_digest(data: Dataset) -> None:
    with tempfile.TemporaryDirectory() as place:
        assert read_dataset(data.to_folder(Path(place) / "copy")).digest == data.digest
