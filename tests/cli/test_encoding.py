"""A console that lacks a character shows an escape, and the command ends as it would anywhere."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.fake import tiny_dataset

MAIN = "from bayesdense.cli.main import main; main()"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8"])
def test_names_in_any_script(encoding, tmp_path):
    folder = tiny_dataset().to_folder(tmp_path / "data")
    table = folder / "models.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("New-0", "通义-0"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "validate", str(folder)],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    said = (done.stdout + done.stderr).decode(encoding)
    assert done.returncode == 1 and "Traceback" not in said
    assert "New-0" in said and ("通义-0" in said or r"\u901a\u4e49-0" in said)
