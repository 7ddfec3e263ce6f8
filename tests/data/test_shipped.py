"""The shipped packages, their checksums, and the script that wrote them."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bayesdense.data import list_datasets, load_dataset, read_dataset, shipped
from bayesdense.data.schema import SCHEMA
from bayesdense.errors import DataError, UnknownNameError

from .conftest import BENCHMARKS, LOSSES, MODELS, SCORES

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["base_models", "densing5", "ikp", "leaderboard", "olmo_ladder", "openlm_redpajama"]


def package(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "datapackage.json").read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("name", NAMES)
def test_checksums(name: str) -> None:
    folder = ROOT / "data" / name
    resources = package(folder)["resources"]
    assert {r["path"] for r in resources} == {f.name for f in folder.glob("*.csv")}
    for resource in resources:
        content = (folder / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert resource["bytes"] == len(content)
        assert b"\r" not in content


@pytest.mark.parametrize("name", NAMES)
def test_descriptions_match_the_data(name: str) -> None:
    described = package(ROOT / "data" / name)
    data = load_dataset(name)
    counts = described["bayesdense"]
    for table in ("models", "targets", "references", "benchmarks", "scores", "losses"):
        assert counts[table] == len(getattr(data, table))
    assert counts["digest"] == data.digest
    assert (data.name, data.description) == (name, described["description"])
    assert data.sources == described["sources"]
    assert described["licenses"]
    for resource in described["resources"]:
        frame = getattr(data, resource["name"])
        assert resource["rows"] == len(frame)
        fields = {f["name"]: f for f in resource["schema"]["fields"]}
        assert set(fields) <= set(frame.columns)
        assert all(f["description"] and f["type"] for f in fields.values())


def test_list() -> None:
    listed = list_datasets().set_index("dataset")
    assert listed.index.tolist() == NAMES
    assert listed["models"].tolist() == [199, 141, 100, 147, 32, 35]
    assert listed["scores"].tolist() == [2909, 1549, 799, 859, 416, 490]
    assert listed["losses"].tolist() == [0, 0, 0, 0, 416, 280]
    assert listed["references"].tolist() == [7, 7, 0, 0, 32, 35]
    assert listed.loc["openlm_redpajama", "licence"] == "MIT"


def test_marks_are_kept() -> None:
    models = load_dataset("densing5").models
    assert (models["release_date_source"] == "recalled, unverified").sum() == 23
    assert models["is_moe"].dtype == models["in_densing_paper"].dtype == bool
    assert load_dataset("densing5").scores["shots"].notna().sum() == 694
    assert (load_dataset("leaderboard").models["release_date"].isna()).sum() == 56


def test_every_family_of_a_package_has_a_developer() -> None:
    for name in NAMES:
        models = load_dataset(name).models
        assert (models["developer"] != "").all()
        # Families of one developer are what the column is for.
        if name != "olmo_ladder" and name != "openlm_redpajama":
            assert models.groupby("developer")["family"].nunique().max() > 3


def test_losses_are_linked_to_benchmarks() -> None:
    for name, sets, unit in (
        ("olmo_ladder", 13, "bits per byte"),
        ("openlm_redpajama", 8, "nats per token"),
    ):
        data = load_dataset(name)
        assert data.losses["loss_set"].nunique() == sets
        assert set(data.losses["unit"]) == {unit}
        assert set(data.benchmarks["loss_set"]) <= set(data.losses["loss_set"])


def test_unknown_name() -> None:
    with pytest.raises(UnknownNameError) as error:
        load_dataset("desning5")
    assert str(error.value) == (
        "unknown dataset 'desning5': did you mean 'densing5'? Known: base_models, densing5, ikp, "
        "leaderboard, olmo_ladder, openlm_redpajama. A folder is written with a separator, as "
        "'./desning5'."
    )
    assert isinstance(error.value, KeyError)
    with pytest.raises(UnknownNameError):
        load_dataset("..")
    with pytest.raises(DataError, match="allowed is the name of a dataset or a path"):
        load_dataset(5)  # type: ignore[arg-type]


def test_paths_are_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT / "data" / "densing5"
    assert load_dataset(folder) == load_dataset(str(folder)) == load_dataset("densing5")
    monkeypatch.chdir(ROOT / "data")
    assert load_dataset("./densing5") == load_dataset(Path("densing5"))
    with pytest.raises(DataError, match="does not exist"):
        load_dataset("./desning5")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shipped"
    shutil.copytree(ROOT / "data", root)
    monkeypatch.setattr(shipped, "shipped_root", lambda: root)
    return root


def test_every_load_compares_checksums(copied: Path) -> None:
    file = copied / "densing5" / "scores.csv"
    file.write_bytes(file.read_bytes().replace(b"0.368", b"0.369", 1))
    with pytest.raises(DataError, match=r"shipped dataset 'densing5'.*\n.*scores\.csv has changed"):
        load_dataset("densing5")


def test_a_shipped_table_needs_a_checksum(copied: Path) -> None:
    described = package(copied / "leaderboard")
    del described["resources"][0]["hash"]
    (copied / "leaderboard" / "datapackage.json").write_text(json.dumps(described))
    with pytest.raises(DataError, match=r"no checksum for models\.csv"):
        load_dataset("leaderboard")


def test_wheel_is_looked_at_first_then_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "files", lambda _: tmp_path)
    assert shipped.shipped_root() == ROOT / "data"
    shutil.copytree(ROOT / "data", tmp_path / "_datasets")
    assert shipped.shipped_root() == tmp_path / "_datasets"
    assert len(list_datasets()) == len(NAMES)
    assert len(load_dataset("leaderboard").models) == 147


def test_missing_data_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "files", lambda _: tmp_path)
    monkeypatch.setattr(shipped, "__file__", str(tmp_path / "a" / "b" / "c" / "shipped.py"))
    with pytest.raises(DataError, match="missing from this installation"):
        list_datasets()


def test_import_is_light() -> None:
    code = (
        "import sys, bayesdense.data\n"
        "heavy = {'pymc', 'arviz', 'xarray', 'matplotlib', 'scipy', 'nutpie'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- the script ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def script() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("build_data", ROOT / "scripts" / "build_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def facts(tmp_path: Path, script: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of fact tables for one dataset, whose losses are named as upstream."""
    folder = tmp_path / "facts" / "olmo_ladder"
    folder.mkdir(parents=True)
    developers = tmp_path / "developers.csv"
    developers.write_text("family,developer\n,nobody\nNew,Lab\nRef,Lab\n")
    monkeypatch.setattr(script, "DEVELOPERS", developers)
    (folder / "models.csv").write_text(MODELS, "utf-8")
    (folder / "benchmarks.csv").write_text(BENCHMARKS, "utf-8")
    (folder / "scores.csv").write_text(SCORES, "utf-8")
    (folder / "losses.csv").write_text(LOSSES.replace("loss_set", "benchmark"), "utf-8")
    return folder.parent


def written(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_building_twice_gives_the_same_bytes(
    script: types.ModuleType, facts: Path, tmp_path: Path
) -> None:
    for out in ("one", "two"):
        assert script.main([str(facts), "--out", str(tmp_path / out)]) == 0
    assert script.main([str(facts), "--out", str(tmp_path / "two")]) == 0
    first = written(tmp_path / "one")
    assert first == written(tmp_path / "two")
    assert len(first) == 5
    assert first["olmo_ladder/scores.csv"] == SCORES.encode()
    assert b"Lab" in first["olmo_ladder/models.csv"]
    assert first["olmo_ladder/losses.csv"] == LOSSES.encode()
    data = read_dataset(tmp_path / "one" / "olmo_ladder")
    assert package(tmp_path / "one" / "olmo_ladder")["bayesdense"]["digest"] == data.digest


def test_building_from_bad_facts(
    script: types.ModuleType, facts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "has none of densing5" in capsys.readouterr().err
    file = facts / "olmo_ladder" / "scores.csv"
    file.write_text(SCORES.replace("0.70", "70"))
    assert script.main([str(facts), "--out", str(tmp_path / "out")]) == 1
    assert "row 8, column 'score', value '70'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    file.unlink()
    assert script.main([str(facts), "--out", str(tmp_path / "out")]) == 1
    assert "has no scores table" in capsys.readouterr().err
    script.DEVELOPERS.write_text("family,developer\nNew,Lab\n")
    assert script.main([str(facts), "--out", str(tmp_path / "out")]) == 1
    assert "developers.csv says nothing of the families '', 'Ref'" in capsys.readouterr().err


def test_every_column_is_described(script: types.ModuleType) -> None:
    frame = pd.DataFrame({"model": ["a"], "colour": ["red"]})
    with pytest.raises(DataError, match="column 'colour' has no description"):
        script.fields_of("models", frame)
    for table, schema in SCHEMA.items():
        fields = script.fields_of(table, pd.DataFrame(columns=schema.column_names))
        assert [f["name"] for f in fields] == schema.column_names
