"""Which Python tools/bootstrap.sh chooses, tried with interpreters that are shell scripts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The programs the script needs. PATH holds these and the fakes, so no real Python is found.
PROGRAMS = "awk cat cksum dirname env head mkdir mktemp mv rm sed sh sort tail tr".split()

# Answers as Python does to `-c ...` (what it is) and to `-m venv FOLDER`.
GOOD = """
for last; do :; done
case "$*" in
    *"-m venv"*) mkdir -p "$last/bin"; cat "$0" > "$last/bin/python"; chmod +x "$last/bin/python" ;;
    *"-m pip"*) echo "pip 26.0" ;;
    *) echo "{implementation} {version}" ;;
esac
"""
WITHOUT_VENV = """
case "$*" in
    *"-m venv"*) echo "ensurepip is not available" >&2; exit 1 ;;
    *) echo "cpython {version}" ;;
esac
"""
WITHOUT_PIP = GOOD.replace('echo "pip 26.0"', "exit 1")
SHIM = 'echo "pyenv: python3.13: command not found" >&2; exit 127'


class Machine:
    """A computer with only the interpreters that a test installs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.programs = folder / "programs"
        self.checkout = folder / "checkout"
        self.home = folder / "home"
        for path in (self.bin, self.programs, self.home, self.checkout / "tools"):
            path.mkdir(parents=True)
        for program in [*PROGRAMS, "chmod"]:
            found = shutil.which(program)
            assert found is not None, f"{program} is needed"
            (self.programs / program).symlink_to(found)
        shutil.copy(ROOT / "tools" / "bootstrap.sh", self.checkout / "tools")
        (self.checkout / ".python-version").write_text("3.13\n")
        self.environment = {
            "PATH": f"{self.bin}{os.pathsep}{self.programs}",
            "HOME": str(self.home),
            "TMPDIR": str(folder),
        }

    def install(self, path: str, script: str = GOOD, version: str = "3.13.0") -> str:
        """Put an interpreter at `path`, which counts from the machine's folder."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        script = script.replace("{version}", version).replace("{implementation}", "cpython")
        target.write_text("#!/bin/sh\n" + script)
        target.chmod(0o755)
        return str(target)

    def find(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the search."""
        return subprocess.run(
            ["sh", str(self.checkout / "tools" / "bootstrap.sh"), "--find-python"],
            env=self.environment | environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def chosen(self, **environment: str) -> str:
        """Return the interpreter that the search must have found."""
        result = self.find(**environment)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def refused(self, **environment: str) -> str:
        """Return the one sentence with which the search must have ended."""
        result = self.find(**environment)
        assert result.returncode == 1
        assert result.stdout == ""
        assert result.stderr.endswith(".\n")
        assert result.stderr.count("\n") == 1
        assert "Traceback" not in result.stderr
        return result.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_selected_version_comes_first(machine: Machine) -> None:
    good = machine.install("bin/python3.13")
    machine.install("bin/python3.14", version="3.14.0")
    machine.install("bin/python3", version="3.12.1")
    assert machine.chosen() == good


def test_python_version_file_is_followed(machine: Machine) -> None:
    machine.install("bin/python3.13")
    good = machine.install("bin/python3.12", version="3.12.1")
    (machine.checkout / ".python-version").write_text("3.12.1\n")
    assert machine.chosen() == good


def test_a_failing_shim_is_passed_over(machine: Machine) -> None:
    machine.install("bin/python3.13", SHIM)
    good = machine.install("bin/python3.12", version="3.12.1")
    assert machine.chosen() == good


def test_a_failing_shim_does_not_hide_the_same_name_further_on(machine: Machine) -> None:
    machine.install("bin/python3.13", SHIM)
    good = machine.install("later/python3.13")
    machine.install("bin/python3.12", version="3.12.1")
    assert machine.chosen(PATH=f"{machine.environment['PATH']}:{machine.folder}/later") == good


@pytest.mark.parametrize(
    "unsuitable",
    [
        lambda machine: machine.install("bin/python3", version="3.11.9"),
        lambda machine: machine.install("bin/python3", version="3.15.0"),
        lambda machine: machine.install("bin/python3.14", WITHOUT_VENV, version="3.14.0"),
        lambda machine: machine.install("bin/python3.14", WITHOUT_PIP, version="3.14.0"),
        lambda machine: machine.install(
            "bin/python3", GOOD.replace("{implementation}", "cpython-freethreaded")
        ),
        lambda machine: (machine.bin / "python3.13").mkdir(),
    ],
    ids=["3.11", "3.15", "without venv", "without pip", "free-threaded", "a folder"],
)
def test_an_unsuitable_python_is_passed_over(
    machine: Machine, unsuitable: Callable[[Machine], object]
) -> None:
    unsuitable(machine)
    good = machine.install("bin/python", version="3.12.4")
    assert machine.chosen() == good


def test_the_newest_selected_version_of_pyenv_is_found(machine: Machine) -> None:
    machine.install("bin/python3.13", SHIM)
    machine.install("bin/python3.12", version="3.12.1")
    machine.install("home/.pyenv/versions/3.13.2/bin/python", version="3.13.2")
    good = machine.install("home/.pyenv/versions/3.13.11/bin/python", version="3.13.11")
    assert machine.chosen() == good


@pytest.mark.parametrize("home", [{}, {"HOME": ""}], ids=["another HOME", "empty HOME"])
def test_pyenv_is_found_through_its_shims(machine: Machine, home: dict[str, str]) -> None:
    machine.install("pyenv/shims/python3.13", SHIM)
    good = machine.install("pyenv/versions/3.12.1/bin/python", version="3.12.1")
    path = f"{machine.folder}/pyenv/shims:{machine.environment['PATH']}"
    assert machine.chosen(PATH=path, **home) == good


def test_pyenv_is_found_through_its_variable(machine: Machine) -> None:
    good = machine.install("elsewhere/versions/3.14.0/bin/python", version="3.14.0")
    assert machine.chosen(PYENV_ROOT=f"{machine.folder}/elsewhere") == good


def test_a_python_that_uv_knows_is_the_last_resort(machine: Machine) -> None:
    good = machine.install("uv/python3.13")
    machine.install("bin/uv", f'[ "$2" != find ] || echo {good}')
    assert machine.chosen() == good
    better = machine.install("bin/python3.12", version="3.12.1")
    assert machine.chosen() == better


def test_the_variable_overrides_the_search(machine: Machine) -> None:
    machine.install("bin/python3.13")
    named = machine.install("bin/python3.12", version="3.12.1")
    assert machine.chosen(BAYESDENSE_PYTHON="python3.12") == named
    assert machine.chosen(BAYESDENSE_PYTHON=named) == named


@pytest.mark.parametrize("name", ["python3.11", "/no/such/python", "nonsense"])
def test_a_bad_variable_is_not_replaced_by_a_guess(machine: Machine, name: str) -> None:
    machine.install("bin/python3.13")
    machine.install("bin/python3.11", version="3.11.9")
    assert f"BAYESDENSE_PYTHON is {name}," in machine.refused(BAYESDENSE_PYTHON=name)


def test_without_any_python_one_sentence_says_what_to_install(machine: Machine) -> None:
    assert "install Python 3.13" in machine.refused()
    machine.install("bin/python3.13", SHIM)
    machine.install("bin/python3", version="3.11.9")
    assert "install Python 3.13" in machine.refused()


def test_without_a_venv_module_the_sentence_names_it(machine: Machine) -> None:
    broken = machine.install("bin/python3", WITHOUT_VENV, version="3.12.3")
    sentence = machine.refused()
    assert broken in sentence
    assert "python3-venv" in sentence


def test_the_search_leaves_nothing_behind(machine: Machine) -> None:
    machine.install("bin/python3.13", WITHOUT_PIP)
    machine.install("bin/python3.12", version="3.12.1")
    before = sorted(machine.folder.rglob("*"))
    machine.chosen()
    assert sorted(machine.folder.rglob("*")) == before


# Setting up, with a Python whose pip does what the test wants.
PIP = """
for last; do :; done
case "$*" in
    *"-m venv"*) mkdir -p "$last/bin"; cat "$0" > "$last/bin/python"; chmod +x "$last/bin/python" ;;
    *"pip install"*) echo "pip $*" >> "{calls}"; {install} ;;
    *"-m pip"*) echo "pip 26.0" ;;
    *) echo "cpython {version}" ;;
esac
"""


class Setup(Machine):
    """A machine with a checkout that can be set up."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.calls = folder / "calls"
        self.venv = self.checkout / ".venv"
        (self.checkout / "pyproject.toml").write_text("[project]\n")
        (self.checkout / "constraints.txt").write_text("numpy==2.5.5\n")
        self.install_python()

    def install_python(self, install: str = "true", version: str = "3.13.0") -> None:
        """Install a Python whose `pip install` runs `install`."""
        script = PIP.replace("{calls}", str(self.calls)).replace("{install}", install)
        self.install("bin/python3.13", script, version)

    def run(self) -> subprocess.CompletedProcess[str]:
        """Set up, and return how it went."""
        self.calls.write_text("")
        return subprocess.run(
            ["sh", str(self.checkout / "tools" / "bootstrap.sh")],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ready(self) -> str:
        """Set up, which must succeed and install something; return what was said."""
        result = self.run()
        assert result.returncode == 0, result.stderr
        assert "--editable" in self.calls.read_text()
        return result.stdout


@pytest.fixture
def project(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_a_second_setup_does_nothing(project: Setup) -> None:
    assert "Python 3.13.0" in project.ready()
    second = project.run()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert project.calls.read_text() == ""


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_file_brings_the_environment_up_to_date(project: Setup, name: str) -> None:
    project.ready()
    (project.checkout / name).write_text("# changed\n")
    (project.venv / "kept").touch()
    assert "up to date" in project.ready()
    assert (project.venv / "kept").exists()
    assert project.run().stdout == ""


def test_an_environment_without_a_stamp_is_completed(project: Setup) -> None:
    project.ready()
    (project.venv / ".setup-complete").unlink()
    (project.venv / "kept").touch()
    project.ready()
    assert (project.venv / "kept").exists()


def test_a_broken_environment_is_made_again(project: Setup) -> None:
    project.ready()
    (project.venv / "bin" / "python").unlink()
    (project.venv / "bin" / "python").symlink_to("/no/such/python")
    assert "Making .venv again: its Python does not run" in project.ready()


def test_an_environment_with_an_old_python_is_made_again(project: Setup) -> None:
    old = project.install("bin/python3.11", version="3.11.9")
    (project.venv / "bin").mkdir(parents=True)
    (project.venv / "bin" / "python").symlink_to(old)
    assert "Making .venv again: it has Python 3.11.9" in project.ready()


def test_an_environment_that_moved_is_made_again(project: Setup) -> None:
    project.ready()
    project.checkout = project.checkout.rename(project.folder / "moved")
    assert "Making .venv again: the project has moved" in project.ready()


def test_a_failed_installation_shows_the_log_and_leaves_nothing(project: Setup) -> None:
    project.install_python("echo the reason; exit 1")
    result = project.run()
    assert result.returncode == 1
    assert "the reason" in result.stderr
    assert "Installing the packages failed" in result.stderr.splitlines()[-1]
    assert not project.venv.exists()
    project.install_python()
    project.ready()


def test_a_failed_update_keeps_the_environment(project: Setup) -> None:
    project.install_python('test ! -e "$(dirname "$0")/fail"')
    project.ready()
    (project.checkout / "constraints.txt").write_text("# changed\n")
    (project.venv / "bin" / "fail").touch()
    assert project.run().returncode == 1
    assert project.venv.exists()
    (project.venv / "bin" / "fail").unlink()
    assert "up to date" in project.ready()


@pytest.mark.parametrize(("signal", "status"), [("TERM", 143), ("KILL", -9)])
def test_an_interrupted_setup_starts_again(project: Setup, signal: str, status: int) -> None:
    project.install_python(f"kill -{signal} $PPID")
    assert project.run().returncode == status
    assert project.venv.exists() == (signal == "KILL")
    project.install_python()
    said = project.ready()
    assert ("Making .venv again: an earlier setup was cut short" in said) == (signal == "KILL")
    assert project.run().stdout == ""
    assert not list(project.checkout.glob(".venv.*"))
