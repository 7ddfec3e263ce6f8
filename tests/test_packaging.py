"""What is built and shipped: it is complete, and it works without the source tree."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import bayesdense as bd

ROOT = Path(__file__).resolve().parents[1]
DATASETS = ["base_models", "densing5", "ikp", "leaderboard", "olmo_ladder", "openlm_redpajama"]
SHIPPED = "bayesdense/_datasets/"


def build(source: Path, target: Path, *kinds: str) -> None:
    """Build in this environment, so that no network is needed."""
    result = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", str(target)],
        cwd=source,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel and what is in them."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class Built(NamedTuple):
    """What the builds made."""

    wheel: Path
    sdist: Path
    unpacked_sdist: Path
    wheel_from_sdist: Path
    unpacked_wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    build(ROOT, folder / "dist", "--sdist", "--wheel")
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")

    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (unpacked_sdist,) = (folder / "source").iterdir()
    build(unpacked_sdist, folder / "again", "--wheel")
    (wheel_from_sdist,) = (folder / "again").glob("*.whl")

    with zipfile.ZipFile(wheel) as archive_of_wheel:
        archive_of_wheel.extractall(folder / "installed")
    return Built(wheel, sdist, unpacked_sdist, wheel_from_sdist, folder / "installed")


def run_installed(built: Built, cwd: Path, code: str) -> Any:
    """Run code that prints JSON, with the unpacked wheel and without the source tree."""
    hide_the_source_tree = (
        "import json, sys\n"
        f"sys.path[:] = [path for path in sys.path if path != {str(ROOT / 'src')!r}]\n"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", hide_the_source_tree + code],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(built.unpacked_wheel)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_wheel_has_the_package_and_only_it(built: Built) -> None:
    files = contents(built.wheel)
    assert "bayesdense/__init__.py" in files
    assert "bayesdense/py.typed" in files
    tops = {name.split("/")[0] for name in files}
    assert tops == {"bayesdense", "bayesdense-0.1.0.dist-info"}
    assert not [name for name in files if re.search(r"(^|/)(tests?|conftest)[/.]|\.pyc$", name)]


def test_wheel_has_every_module_of_the_source_tree(built: Built) -> None:
    source = ROOT / "src"
    modules = {path.relative_to(source).as_posix() for path in source.rglob("*.py")}
    assert modules == {name for name in contents(built.wheel) if name.endswith(".py")}


@pytest.mark.parametrize("dataset", DATASETS)
def test_wheel_has_the_dataset(built: Built, dataset: str) -> None:
    files = contents(built.wheel)
    for name in ("models.csv", "benchmarks.csv", "scores.csv", "datapackage.json"):
        source = ROOT / "data" / dataset / name
        assert files[f"{SHIPPED}{dataset}/{name}"] == source.read_bytes()


@pytest.mark.parametrize("fit", ["densing5"])
def test_wheel_has_the_fit(built: Built, fit: str) -> None:
    files = contents(built.wheel)
    for ending in (".nc", ".json"):
        source = ROOT / "src/bayesdense/shipped_fits" / f"{fit}{ending}"
        assert files[f"bayesdense/shipped_fits/{fit}{ending}"] == source.read_bytes()


def test_wheel_says_what_it_is(built: Built) -> None:
    files = contents(built.wheel)
    info = "bayesdense-0.1.0.dist-info/"
    metadata = Parser().parsestr(files[f"{info}METADATA"].decode())
    assert metadata["Name"] == "bayesdense"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.12"
    assert b"Apache License" in files[f"{info}licenses/LICENSE"]
    assert b"bayesdense = bayesdense.cli.main:main" in files[f"{info}entry_points.txt"]


def test_sdist_has_what_it_takes_to_build_and_test(built: Built) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt", "Makefile"):
        assert (built.unpacked_sdist / name).is_file()
    for name in ("data", "src/bayesdense", "tests", "tools"):
        assert (built.unpacked_sdist / name).is_dir()
    assert not (built.unpacked_sdist / ".venv").exists()


def test_wheel_from_sdist_is_the_same(built: Built) -> None:
    direct, again = contents(built.wheel), contents(built.wheel_from_sdist)
    assert sorted(direct) == sorted(again)
    assert [name for name in direct if direct[name] != again[name]] == []


def test_wheel_works_without_the_source_tree(built: Built, tmp_path: Path) -> None:
    seen = run_installed(
        built,
        tmp_path,
        "import bayesdense as bd\n"
        "n_models = {name: len(bd.load_dataset(name).models) for name in " + repr(DATASETS) + "}\n"
        "shipped = bd.load_fit('densing5').info.shipped_with\n"
        "print(json.dumps({'file': bd.__file__, 'n_models': n_models, 'shipped': shipped}))",
    )
    assert seen["shipped"] == f"bayesdense {bd.__version__}"
    assert Path(seen["file"]).is_relative_to(built.unpacked_wheel)
    for name in DATASETS:
        with (ROOT / "data" / name / "models.csv").open(encoding="utf-8", newline="") as file:
            assert seen["n_models"][name] == sum(1 for _ in csv.DictReader(file)) > 0


def test_import_does_not_load_the_heavy_packages(built: Built, tmp_path: Path) -> None:
    heavy = ["arviz", "matplotlib", "numba", "nutpie", "pymc", "pytensor"]
    loaded = run_installed(
        built,
        tmp_path,
        "import bayesdense\n"
        f"print(json.dumps([name for name in {heavy!r} if name in sys.modules]))",
    )
    assert loaded == []


def test_editable_install_reads_the_data_of_the_checkout(tmp_path: Path) -> None:
    code = "import bayesdense as bd; print(bd.__file__, len(bd.load_dataset('densing5').models))"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    file, n_models = result.stdout.rsplit(maxsplit=1)
    assert Path(file).is_relative_to(ROOT / "src")
    assert int(n_models) > 0


def canonical(requirement: str) -> str:
    """Return the name of the package that a requirement is for."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def test_constraints_pin_what_is_required() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", pin) for pin in pins)
    names = [canonical(pin) for pin in pins]
    assert len(names) == len(set(names))
    assert pins == sorted(pins, key=str.upper)

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    required = project["build-system"]["requires"] + project["project"]["dependencies"]
    for extra in project["project"]["optional-dependencies"].values():
        required += extra
    missing = {canonical(requirement) for requirement in required} - set(names)
    assert missing == {"bayesdense"}


def test_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {project['project']['version']}\n" in citation
    assert bd.__version__ == project["project"]["version"]
