"""Measure the default form on `densing5` against the same posterior in plain PyMC.

One run on one machine: what counts is a ratio. Each sampler has processes of its own: one
with nothing compiled before, for the seconds of compilation only, and then one for each seed. Run
with ``make benchmark``; more than an hour with all samplers. NumPyro and BlackJAX come with the
extra ``bench``; what is not installed is left out, and said. The table goes to standard output, and
as JSON and Markdown to ``out/benchmarks``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from samplers import ESS, RHAT, SAMPLERS

NEEDS = {"plain, NumPyro": "numpyro", "plain, BlackJAX": "blackjax"}
PACKAGES = ("pymc", "pytensor", "nutpie", "numpyro", "blackjax", "jax")
FEWEST = ("--draws", "50", "--tune", "50")
COLUMNS = {
    "draws": "draws",
    "seconds": "sampling, s",
    "call": "whole call, s",
    "compile": "compilation, s",
    "compile_cold": "nothing compiled before, s",
    "gradients": "gradients a draw",
    "rhat": "R-hat",
    "ess": "lowest ESS",
    "per_second": "ESS a second",
    "range": "between seeds",
    "ratio": "times",
    "time_to_enough": f"to R-hat {RHAT} and ESS {ESS}, s",
    "divergences": "divergences",
    "growth": "growth per year",
    "growth_sd": "its sd",
    "memory": "memory, GiB",
}


def used(process: psutil.Process) -> int:
    """Return the bytes that a process and its children have, shared pages divided."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def run_one(sampler: str, arguments: list[str], compiled: Path) -> dict[str, Any]:
    """Run a sampler in a process of its own and return its figures, with its peak memory."""
    environment = os.environ | {
        "PYTENSOR_FLAGS": f"base_compiledir={compiled / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(compiled / "numba"),
    }
    script = Path(__file__).with_name("samplers.py")
    command = [sys.executable, str(script), sampler, *arguments]
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as errors:
        running = psutil.Popen(command, stdout=said, stderr=errors, env=environment)
        peak = 0
        while running.poll() is None:
            peak = max(peak, used(running))
            time.sleep(0.5)
        said.seek(0)
        errors.seek(0)
        if running.returncode:
            last = errors.read().strip().splitlines()
            return {"failed": last[-1] if last else f"ended with {running.returncode}"}
        return json.loads(said.read().splitlines()[-1]) | {"memory": peak / 2**30}


def measured(sampler: str, arguments: list[str], seeds: list[int]) -> list[dict[str, Any]]:
    """Return the figures of one sampler for every seed, compiled from nothing first."""
    with tempfile.TemporaryDirectory() as folder:
        cold = run_one(sampler, [*FEWEST, "--seed", "1"], Path(folder))
        rows = [run_one(sampler, [*arguments, "--seed", str(s)], Path(folder)) for s in seeds]
    for seed, row in zip(seeds, rows, strict=True):
        row["seed"] = seed
        if "failed" in row:
            continue
        row["compile_cold"] = cold.get("compile")
        row["per_second"] = row["ess"] / row["seconds"]
        share = row.pop("enough_after")
        row["time_to_enough"] = None if share is None else share * row["seconds"]
    return rows


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the means over seeds, and the range of what differs most between them.

    Divergences add up; R-hat is the largest; a time to enough is missing where one seed has none.
    """
    failed = [row for row in rows if "failed" in row]
    if failed:
        return failed[0]
    together = {"divergences": sum, "rhat": max}
    found: dict[str, Any] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        missing = any(v is None for v in values)
        found[name] = None if missing else together.get(name, statistics.mean)(values)
    if len(rows) > 1:
        rates = [row["per_second"] for row in rows]
        found["range"] = f"{min(rates):.3g} to {max(rates):.3g}"
    return found


def table(every: dict[str, list[dict[str, Any]]]) -> str:
    """Return the figures as a table in Markdown, means over seeds."""
    found = {name: summary(rows) for name, rows in every.items()}
    own = found.get("bayesdense", {}).get("per_second")
    lines = ["| sampler | " + " | ".join(COLUMNS.values()) + " |"]
    lines.append("|---" * (len(COLUMNS) + 1) + "|")
    for name, row in found.items():
        if "failed" in row:
            lines.append(f"| {name} | {row['failed']} |" + " |" * (len(COLUMNS) - 1))
            continue
        if own:
            row = row | {"ratio": own / row["per_second"]}
        row = row | ({} if row["time_to_enough"] else {"time_to_enough": "not reached"})
        cells = [row.get(column) for column in COLUMNS]
        shown = ["" if v is None else v if isinstance(v, str) else f"{v:.4g}" for v in cells]
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def versions() -> str:
    """Return the versions of what was measured."""
    there = [name for name in PACKAGES if importlib.util.find_spec(name)]
    return ", ".join([f"Python {sys.version.split()[0]}", *(f"{n} {version(n)}" for n in there)])


def main() -> None:
    """Measure, print a table, and write it as JSON and Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sampler", choices=list(SAMPLERS), action="append")
    parser.add_argument("--draws", type=int, default=1000, help="of each of four chains")
    parser.add_argument("--tune", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    arguments = ["--draws", str(options.draws), "--tune", str(options.tune)]
    found: dict[str, list[dict[str, Any]]] = {}
    for name in options.sampler or SAMPLERS:
        if name in NEEDS and not importlib.util.find_spec(NEEDS[name]):
            print(f"{name}: {NEEDS[name]} is not installed: pip install -e '.[bench]'", flush=True)
            continue
        start = time.monotonic()
        found[name] = measured(name, arguments, options.seeds)
        done = f"done after {time.monotonic() - start:.0f} s"
        said = summary(found[name]).get("failed", done)
        print(f"{name}: {said}", flush=True)
        text = f"{table(found)}\n\n{versions()}; {os.cpu_count()} cores.\n"
        (options.out / "densing5.json").write_text(json.dumps(found, indent=1) + "\n")
        (options.out / "densing5.md").write_text(text)
    print(f"\n{table(found)}\n\n{versions()}; {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
