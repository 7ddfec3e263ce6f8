"""Run every notebook from top to bottom, in place, without the times of its cells."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"


def main() -> None:
    """Run the notebooks; one that fails stays as it was."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        print(f"Running {path.relative_to(FOLDER.parent)}", flush=True)
        notebook = nbformat.read(path, as_version=4)
        resources = {"metadata": {"path": str(FOLDER)}}
        NotebookClient(notebook, timeout=None, record_timing=False, resources=resources).execute()
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
