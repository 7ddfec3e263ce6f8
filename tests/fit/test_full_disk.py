"""Where a file cannot be written whole there is one sentence, and the older file is left."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fake import fake_fit

# A file may not grow beyond a few bytes, as on a full disk.
LIMITED = """
import resource, sys
import bayesdense as bd
fit = bd.load_fit(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    fit.save(sys.argv[1])
except bd.BayesdenseError as error:
    print(f"told: {error}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sizes of files are not limited there")
def test_a_fit_is_not_lost_on_a_full_disk(tmp_path):
    file = fake_fit().save(tmp_path / "fit.nc")
    before = file.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"told: cannot write '{file}': File too large" in done.stdout
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["fit.nc"]
