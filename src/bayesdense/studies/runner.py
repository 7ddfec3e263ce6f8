"""Many fits: one after another, in several processes, or on a cluster, with the same results."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayesdense.data import Dataset
from bayesdense.errors import BayesdenseError, BayesdenseWarning
from bayesdense.models import DensityModel
from bayesdense.progress import Progress
from bayesdense.sampling import SamplingInterrupted, SamplingSettings
from bayesdense.studies.keys import key_of, write_whole

__all__ = ["Task", "run_tasks"]

KEPT_DRAWS = 1000
# How many times as many draws a fit gets that is not to be trusted, once.
MORE = 3

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One fit of a study.

    Attributes
    ----------
    name : str
        Of the specification.
    data : Dataset or None
        What is fitted; None where it could not be made.
    model : DensityModel
        What it is fitted with.
    settings : SamplingSettings
        How to sample.
    reason : str
        Why there are no data.
    """

    name: str
    data: Dataset | None
    model: DensityModel
    settings: SamplingSettings
    reason: str = ""

    @property
    def key(self) -> str:
        """A name for the result that no other data, model or settings have."""
        digest = "" if self.data is None else self.data.digest
        return key_of(digest, self.model.spec, self.settings, "study", KEPT_DRAWS, MORE)


def run_tasks(
    tasks: Sequence[Task],
    *,
    label: str,
    store: Path | None,
    executor: Any,
    progress: bool,
) -> list[Outcome]:
    """Fit what is not stored yet, and return what every fit gave.

    Parameters
    ----------
    tasks : sequence of Task
        What to fit; equal fits are done once.
    label : str
        Of the study, for the progress bar.
    store : pathlib.Path, optional
        Folder for what each fit gave.
    executor : int, distributed.Client or None
        None fits one after another here; a number, in that many processes;
        a client, on its cluster.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    list of dict
        In the order of the tasks. A fit that failed has a ``reason``, and is
        not stored, so that it is tried again.
    """
    run = _runner(executor)
    keys = [task.key for task in tasks]
    found: dict[str, Outcome] = {}
    waiting: dict[str, Task] = {}
    for key, task in zip(keys, tasks, strict=True):
        if task.data is None:
            found[key + task.name] = _failure(task.reason)
        elif key not in waiting:
            stored = _stored(store, key)
            if stored is None:
                waiting[key] = task
            else:
                found[key] = stored
    with Progress(progress, label) as shown:
        total = len(waiting)
        shown.count(0, total, "fits")
        for done, (key, outcome) in enumerate(run(waiting), start=1):
            found[key] = outcome
            if store is not None and not outcome["reason"]:
                write_whole(store / f"{key}.json", json.dumps(outcome))
            shown.count(done, total, "fits")
    return [
        found[key + task.name] if task.data is None else found[key]
        for key, task in zip(keys, tasks, strict=True)
    ]


def fit_one(task: Task) -> Outcome:
    """Fit one specification, with more draws once if its posterior is not to be trusted.

    Parameters
    ----------
    task : Task
        The specification; it has data.

    Returns
    -------
    dict
        Plain values: headline draws by estimator, period and benchmark,
        counts, diagnostics, the verdict of the checks, and a ``reason`` where
        there is no result.
    """
    start = time.monotonic()
    draws, settings, compiling = task.settings.draws, task.settings, 0.0
    try:
        with warnings.catch_warnings():
            # Verdict and notes are part of what is returned.
            warnings.simplefilter("ignore", BayesdenseWarning)
            for count in (draws, MORE * draws):
                fit = task.model.fit(
                    task.data,  # type: ignore[arg-type]
                    draws=count,
                    tune=settings.tune,
                    chains=settings.chains,
                    cores=settings.cores,
                    seed=settings.seed,
                    target_accept=settings.target_accept,
                    references_alone=task.model.spec.ruler == "cut",
                    progress=False,
                )
                compiling += float(fit.info["compile_seconds"])
                if fit.interrupted:
                    raise SamplingInterrupted(f"interrupted in '{task.name}': this fit is lost")
                if fit.checks().trusted:
                    break
    except (BayesdenseError, FloatingPointError, np.linalg.LinAlgError) as error:
        if isinstance(error, SamplingInterrupted):
            raise
        return _failure(" ".join(str(error).split()), seconds=time.monotonic() - start)
    report, table = fit.checks(), fit.diagnostics()
    rates = [
        {
            "estimator": estimator,
            "period": period,
            "benchmark": benchmark,
            "draws": [float(f"{v:.6g}") for v in _thinned(values)],
        }
        for (estimator, period, benchmark), values in fit.rate_draws().items()
        if not estimator.startswith("envelope")
    ]
    layout = task.model.lay_out(fit.data)
    return {
        "reason": "",
        "rates": rates,
        "models": layout.size("target"),
        "references": layout.size("reference"),
        "scores": len(layout.scores),
        "draws": int(fit.sample_stats["diverging"].size),
        "rhat": float(table["rhat"].max(skipna=False)),
        "ess": float(table["ess"].min(skipna=False)),
        "divergences": int(fit.sample_stats["diverging"].sum()),
        "trusted": report.trusted,
        "verdict": report.verdict,
        "compile_seconds": compiling,
        "seconds": time.monotonic() - start,
    }


def _thinned(values: np.ndarray) -> np.ndarray:
    """Return draws spread evenly over all."""
    if len(values) <= KEPT_DRAWS:
        return values
    return values[np.linspace(0, len(values) - 1, KEPT_DRAWS).round().astype(int)]


def _failure(reason: str, seconds: float = 0.0) -> Outcome:
    return {"reason": reason, "rates": [], "trusted": False, "verdict": "", "seconds": seconds}


def _stored(store: Path | None, key: str) -> Outcome | None:
    file = None if store is None else store / f"{key}.json"
    if file is None or not file.exists():
        return None
    try:
        found: Outcome = json.loads(file.read_text())
    except ValueError:
        # Not of this package, or damaged: fitted again.
        return None
    return found


Run = Callable[[dict[str, Task]], Iterator[tuple[str, Outcome]]]


def _runner(executor: Any) -> Run:
    """Return what works through tasks as the user asked."""
    if executor is None:
        return _serial
    if isinstance(executor, int) and not isinstance(executor, bool) and executor >= 1:
        return lambda waiting: _processes(waiting, executor)
    if hasattr(executor, "submit") and hasattr(executor, "scheduler_info"):
        return lambda waiting: _cluster(waiting, executor)
    raise BayesdenseError(
        "executor must be None, a number of processes from 1, or a dask.distributed Client, "
        f"not {executor!r}"
    )


def _serial(waiting: dict[str, Task]) -> Iterator[tuple[str, Outcome]]:
    for key, task in waiting.items():
        yield key, fit_one(task)


def _keyed(key: str, task: Task) -> tuple[str, Outcome]:
    return key, fit_one(task)


def _processes(waiting: dict[str, Task], workers: int) -> Iterator[tuple[str, Outcome]]:
    import joblib

    # Structures one after another, so that a process compiles few of them.
    work = (joblib.delayed(_keyed)(key, _one_core(task)) for key, task in waiting.items())
    pool = joblib.Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)
    yield from pool(work)


def _cluster(waiting: dict[str, Task], client: Any) -> Iterator[tuple[str, Outcome]]:
    from distributed import KilledWorker, as_completed

    names = {f"bayesdense-{key}": key for key in waiting}
    futures = [
        client.submit(_keyed, key, _one_core(task), key=f"bayesdense-{key}", pure=False)
        for key, task in waiting.items()
    ]
    for future in as_completed(futures):
        try:
            yield future.result()
        except KilledWorker as error:
            yield names[future.key], _failure(f"its worker died again and again: {error}")


def _one_core(task: Task) -> Task:
    """Return the task with chains one after another: the processes share the processors."""
    import dataclasses

    if task.settings.cores is not None:
        return task
    return dataclasses.replace(task, settings=dataclasses.replace(task.settings, cores=1))
