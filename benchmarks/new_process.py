"""Seconds from the start of a process to its first draw, with stored machine code and without.

``python benchmarks/new_process.py --runs 5``: each run is a process that fits `densing5` and ends
when sampling begins, in a folder for compiled code of its own. In all of them Numba has its
functions; in every second one the machine code of `bayesdense` is deleted first.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIRST = """
import resource
import bayesdense as bd
from bayesdense.sampler import nuts
def begin(*_):
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, flush=True)
    raise SystemExit
nuts._run = begin
data = bd.load_dataset("densing5").select(base_only=True)
bd.DensityModel().fit(data, random_seed=1, progressbar=False)
"""


def first_draw(folder: Path) -> tuple[float, float]:
    """Return seconds until sampling begins, and the memory used until then in GiB."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", FIRST],
        env=os.environ | {"PYTENSOR_FLAGS": f"base_compiledir={folder}"},
        check=True,
        capture_output=True,
        text=True,
    )
    return time.perf_counter() - start, float(done.stdout.split()[-1])


def main() -> None:
    """Print the runs and their medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {"stored": [], "not stored": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"nothing compiled before: {first_draw(folder)[0]:.1f} s", flush=True)
        for _ in range(options.runs):
            found["stored"].append(first_draw(folder))
            for file in (folder / "bayesdense").glob("*.zip"):
                file.unlink()
            found["not stored"].append(first_draw(folder))
    for what, runs in found.items():
        seconds, memory = zip(*runs, strict=True)
        print(
            f"{what}: {', '.join(f'{s:.1f}' for s in seconds)} s (median "
            f"{statistics.median(seconds):.1f}), at most {max(memory):.2f} GiB"
        )


if __name__ == "__main__":
    main()
