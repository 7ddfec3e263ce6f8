"""Many fits: one after another, in several processes, or on a cluster, with the same results.

The warm-up of a fit begins with what another one found, and which one is settled before anything
is fitted: no result depends on who fits, or on what happened to be done before.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bayesdense.data.atomic import write_text
from bayesdense.sampler.progress import Progress
from bayesdense.sampler.warm_start import WarmStart
from bayesdense.studies.executors import executor_for
from bayesdense.studies.tasks import Job, Outcome, Task, failure

__all__ = ["run_tasks"]


def run_tasks(
    tasks: Sequence[Task],
    *,
    label: str,
    store: Path | None,
    executor: Any,
    progressbar: bool,
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
    progressbar : bool
        Whether to show how far it is.

    Returns
    -------
    list of dict
        In the order of the tasks. A fit that failed has a ``reason``, and is
        not stored, so that it is tried again.
    """
    run = executor_for(executor)
    found: dict[str, Outcome] = {}
    waiting: dict[str, Task] = {}
    for task in tasks:
        if task.data is None:
            found[task.key + task.name] = failure(task.reason)
        elif task.key not in waiting:
            stored = _stored(store, task.key)
            if stored is None:
                waiting[task.key] = task
            else:
                found[task.key] = stored
    warm_starts = _known(store, waiting)
    needed = {task.begins.key for task in waiting.values() if task.begins is not None}
    with Progress(progressbar, label) as shown:
        total, done = len(waiting), 0
        shown.count(done, total, "fits")
        for depth in sorted({task.depth for task in waiting.values()}):
            jobs = [
                Job(
                    key,
                    dataclasses.replace(task, begins=None),
                    None if task.begins is None else warm_starts.get(task.begins.key),
                    key in needed,
                )
                for key, task in waiting.items()
                if task.depth == depth
            ]
            for key, outcome, kept in run(jobs):
                found[key] = outcome
                if store is not None and not outcome["reason"]:
                    write_text(store / f"{key}.json", json.dumps(outcome))
                if kept is not None:
                    warm_starts[key] = kept
                    if store is not None:
                        kept.save(store / f"{key}.nc")
                done += 1
                shown.count(done, total, "fits")
    return [found[t.key + t.name] if t.data is None else found[t.key] for t in tasks]


def _known(store: Path | None, waiting: dict[str, Task]) -> dict[str, WarmStart]:
    """Return what is stored of the fits that others begin with.

    Those that are not stored are fitted again: they are added to what is waiting.
    """
    known = {}
    unseen = list(waiting.values())
    while unseen:
        task = unseen.pop().begins
        if task is None or task.key in waiting or task.key in known:
            continue
        stored = _stored_warm_start(store, task)
        if stored is None:
            waiting[task.key] = task
            unseen.append(task)
        else:
            known[task.key] = stored
    return known


def _stored_warm_start(store: Path | None, task: Task) -> WarmStart | None:
    file = None if store is None else store / f"{task.key}.nc"
    if file is None or not file.exists() or task.data is None:
        return None
    return WarmStart.load(file, task.model.spec, task.data.digest)


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
