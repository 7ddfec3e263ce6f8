"""Who fits: this process, several others, or a cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from bayesdense.errors import BayesdenseError
from bayesdense.sampler.warm_start import WarmStart
from bayesdense.studies.fitting import fit_one
from bayesdense.studies.tasks import Job, Outcome, failure

__all__ = ["Run", "executor_for"]

# Bytes by which a process may grow: several kinds of compiled models, and what it fits.
LEAK = 4 * 2**30

Done = tuple[str, Outcome, WarmStart | None]
Run = Callable[[list[Job]], Iterator[Done]]
"""From jobs to the key, the outcome, and what is kept of each, in any order."""


def executor_for(executor: Any) -> Run:
    """Return what works through jobs as the user asked.

    Parameters
    ----------
    executor : int, distributed.Client or None
        As for `bayesdense.studies.sensitivity`.

    Returns
    -------
    callable

    Raises
    ------
    BayesdenseError
        If it is none of these.
    """
    if executor is None:
        return _serial
    if isinstance(executor, int) and not isinstance(executor, bool) and executor >= 1:
        return lambda jobs: _processes(jobs, executor)
    if hasattr(executor, "submit") and hasattr(executor, "scheduler_info"):
        return lambda jobs: _cluster(jobs, executor)
    raise BayesdenseError(
        "executor must be None, a number of processes from 1, or a dask.distributed Client, "
        f"not {executor!r}"
    )


def _serial(jobs: list[Job]) -> Iterator[Done]:
    yield from map(_done, jobs)


def _done(job: Job) -> Done:
    """Fit, and return what is wanted of it, small enough to travel."""
    outcome, kept = fit_one(job.task, job.warm_start)
    return job.key, outcome, kept if job.keep else None


def _done_by_worker(job: Job) -> Done:
    _keep_this_process()
    return _done(job)


def _keep_this_process() -> None:
    """Have joblib keep the process that this is called in.

    It ends one that has grown by 300 MB since its first task, which it takes for a leak: compiled
    code takes as much, so that most fits would be compiled again.
    """
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = LEAK


def _processes(jobs: list[Job], workers: int) -> Iterator[Done]:
    import joblib

    work = (joblib.delayed(_done_by_worker)(_one_core(job)) for job in jobs)
    yield from joblib.Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)(work)


def _cluster(jobs: list[Job], client: Any) -> Iterator[Done]:
    from distributed import KilledWorker, as_completed

    names = {f"bayesdense-{job.key}": job.key for job in jobs}
    futures = [
        client.submit(_done, _one_core(job), key=name, pure=False)
        for name, job in zip(names, jobs, strict=True)
    ]
    for future in as_completed(futures):
        try:
            yield future.result()
        except KilledWorker as error:
            reason = f"its worker died again and again: {error}"
            yield names[future.key], failure(reason), None


def _one_core(job: Job) -> Job:
    """Return the job with chains one after another: the processes share the processors."""
    settings = job.task.settings
    if settings.cores is not None:
        return job
    on_one_core = dataclasses.replace(settings, cores=1)
    return dataclasses.replace(job, task=dataclasses.replace(job.task, settings=on_one_core))
