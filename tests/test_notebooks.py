"""Every notebook runs from top to bottom, and is committed as it ran."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from traitlets import default

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SECONDS_PER_CELL = 1800
MOST_BYTES = 1_500_000

# A path from the root of two or more names; '</td>', '1/day' and 'https://a/b' are none.
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/<])/[\w.~-]+/[\w.~-]+|file://|\b[A-Za-z]:\\\w")
WARNING = re.compile(r"\b(\w+Warning)\b")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


class OwnKernelManager(AsyncKernelManager):
    """Starts the kernel of this interpreter, whatever kernels the user has installed."""

    @default("kernel_spec_manager")
    def _only_native(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


def read(path: Path) -> Any:
    """Return a valid notebook."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cell: Any) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of everything readable that a cell put out."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.name, output.text
        elif output.output_type == "error":
            yield "error", "\n".join(output.traceback)
        else:
            for kind, content in output.data.items():
                if not kind.startswith("image/"):
                    yield kind, str(content)


def kinds(cell: Any) -> set[str]:
    """Return what a cell shows, without what it may say on the side."""
    found = {output.output_type for output in cell.outputs if "data" not in output}
    found |= {kind for output in cell.outputs if "data" in output for kind in output.data}
    if all(getattr(output, "name", "") == "stderr" for output in cell.outputs):
        found.discard("stream")
    return found


def speaks(source: str) -> bool:
    """Return whether a cell has something to show: an expression, a fit or a plot."""
    expressions = any(isinstance(part, ast.Expr) for part in ast.parse(source).body)
    return expressions or ".fit(" in source or ".plot_" in source


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@every_notebook
def test_is_committed_as_it_ran(path: Path) -> None:
    assert path.stat().st_size < MOST_BYTES
    notebook = read(path)
    assert notebook.metadata.kernelspec.name == "python3"
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert "execution" not in cell.metadata, "the times of execution are stored"
        assert cell.outputs or not speaks(cell.source), f"no output:\n{cell.source}"


@every_notebook
def test_output_is_of_no_machine_and_has_no_error(path: Path) -> None:
    for cell in code_cells(read(path)):
        for kind, text in texts(cell):
            assert kind not in ("error", "stderr"), text
            assert "Traceback (most recent call last)" not in text
            found = ABSOLUTE_PATH.search(text)
            assert not found, f"the path {found.group() if found else ''} in:\n{text}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("saved /home/ann/fit.nc", True),
        ("'/srv/someone/main'", True),
        (r"C:\Users\ann", True),
        ("file:///x", True),
        ("<td>1/day</td></tr>", False),
        ("https://arxiv.org/abs/2412.04315", False),
        ("R-hat 1.00 / 1.01", False),
    ],
)
def test_paths_are_recognised(text: str, expected: bool) -> None:
    assert bool(ABSOLUTE_PATH.search(text)) is expected


# nutpie calls from threads that Python did not start.
PROGRESS = """
import _thread, threading
from types import SimpleNamespace
from bayesdense.sampler.progress import Progress

state = SimpleNamespace(finished_draws=1, total_draws=10, divergences=0, tuning=True, runtime_ms=1)
with Progress(True, "a fit") as shown:
    for _ in range(1500):
        done = threading.Event()
        _thread.start_new_thread(lambda: (shown.chains([state]), done.set()), ())
        done.wait()
"""


def test_a_long_fit_does_not_use_up_the_sockets_of_a_kernel(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PROGRESS)])
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        kernel_manager_class=OwnKernelManager,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    said = dict(texts(notebook.cells[0]))
    assert set(said) == {"text/html", "text/plain"}
    assert said["text/plain"].startswith("a fit: done after")


@pytest.mark.notebook
@every_notebook
def test_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    shutil.copyfile(path, copy)
    notebook = read(copy)
    committed = code_cells(read(path))
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        kernel_manager_class=OwnKernelManager,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()  # raises CellExecutionError with the traceback

    for cell, before in zip(code_cells(notebook), committed, strict=True):
        said = dict(texts(cell))
        assert "error" not in said
        # Another machine draws other draws, so that the checks may have more to say.
        unknown = set(WARNING.findall(said.get("stderr", ""))) - {"DiagnosticsWarning"}
        assert not unknown, said["stderr"]
        assert kinds(cell) == kinds(before), f"shows something else than committed:\n{cell.source}"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name], "files are left behind"
