"""Measure all subsets of the five benchmarks of `densing5` against one cold fit of all of them.

Both in a process of its own that starts with nothing compiled, one after the other on one machine:
what counts is their ratio. Run with ``python benchmarks/subsets.py``; more than ten minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from samplers import SELECTION

import bayesdense as bd

ALLOWED = 15
# A fit of a study is as long, and does without the references alone: so does the one beside it.
DRAWS = 1000
AS_IN_STUDIES = {"reference_posterior": False}


def one_fit(seed: int) -> dict[str, Any]:
    """Fit the default form to all benchmarks."""
    data = bd.load_dataset("densing5").select(**SELECTION)
    fit = bd.DensityModel(form="first-edition").fit(
        data, draws=DRAWS, random_seed=seed, progressbar=False, **AS_IN_STUDIES
    )
    return {"trusted": fit.checks().trusted, "sampling": fit.info.sampling_seconds}


def all_subsets(seed: int) -> dict[str, Any]:
    """Fit the default form to every subset of the benchmarks, and store what they gave."""
    data = bd.load_dataset("densing5").select(**SELECTION)
    choices = {"benchmarks": bd.studies.choices.benchmark_subsets(data)}
    study = bd.studies.sensitivity(
        bd.DensityModel(form="first-edition"),
        data,
        choices,
        draws=DRAWS,
        random_seed=seed,
        progressbar=False,
    )
    table = study.summary()
    study.save(Path(os.environ["SUBSETS_OUT"]) / "subsets.json")
    return {"fits": len(table), "trusted": int(table["trusted"].sum())}


PARTS = {"one": one_fit, "all": all_subsets}


def timed(part: str, seed: int, out: Path) -> dict[str, Any]:
    """Run a part in a process with nothing compiled; seconds are from its start to its end."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor",
            "NUMBA_CACHE_DIR": f"{folder}/numba",
            "SUBSETS_OUT": str(out),
        }
        command = [sys.executable, __file__, "--part", part, "--seed", str(seed)]
        start = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - start
    if done.returncode:
        raise SystemExit(f"{part}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1]) | {"seconds": round(seconds, 1)}


def main() -> None:
    """Measure both, print them and their ratio, and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"))
    options = parser.parse_args()
    if options.part:
        warnings.simplefilter("ignore")
        print(json.dumps(PARTS[options.part](options.seed)))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    found = {part: timed(part, options.seed, options.out.resolve()) for part in PARTS}
    found["times"] = round(found["all"]["seconds"] / found["one"]["seconds"], 2)
    (options.out / "subsets-timing.json").write_text(json.dumps(found, indent=1) + "\n")
    one, every = found["one"]["seconds"], found["all"]
    print(f"one cold fit of all benchmarks: {one:.0f} s")
    print(f"{every['fits']} subsets: {every['seconds']:.0f} s, {every['trusted']} trusted")
    print(f"{found['times']} times; {ALLOWED} are allowed")


if __name__ == "__main__":
    main()
