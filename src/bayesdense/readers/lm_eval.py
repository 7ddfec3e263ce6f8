"""Results of lm-evaluation-harness 0.4: its results files, as a dataset.

The harness writes one JSON file a run: ``results`` by task and by ``metric,filter``, ``n-samples``
by task, ``group_subtasks`` for what is a mean of several tasks, and how the model was called. Which
metric of which task is a score on which benchmark says ``lm_eval_tasks.csv`` beside this file; of
several metrics of a task the first that the results have is taken, and ``source`` of every score
names task, metric and file.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from bayesdense.data import Dataset
from bayesdense.data.known_benchmarks import benchmarks_named
from bayesdense.errors import BayesdenseWarning, DataError, near_match

__all__ = ["lm_eval"]

HARNESS = "lm-eval"
PATTERN = "results*.json"
MODEL_ARGUMENTS = ("peft", "delta", "pretrained", "model", "path", "engine")
SHOWN = 8


@dataclass(frozen=True)
class _Run:
    """What one results file holds."""

    file: Path
    model: str
    date: float
    content: Mapping[str, Any]

    def part(self, name: str) -> Mapping[str, Any]:
        found = self.content.get(name)
        return found if isinstance(found, Mapping) else {}

    @property
    def results(self) -> Mapping[str, Any]:
        """Metrics by task; some versions write those of groups beside them only."""
        return {**self.part("groups"), **self.part("results")}

    @property
    def groups(self) -> dict[str, list[str]]:
        """Tasks of every group; a plain task is in some versions a group of none."""
        found = self.part("group_subtasks")
        return {name: list(children) for name, children in found.items() if children}

    @property
    def n_params(self) -> float | None:
        found = self.part("config").get("model_num_parameters")
        # The harness writes -1 where it does not know.
        return float(found) if isinstance(found, int | float) and found > 0 else None


def lm_eval(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    models: pd.DataFrame | Mapping[str, Any] | None = None,
    tasks: Mapping[str, str] | None = None,
    metrics: Mapping[str, str] | None = None,
    benchmarks: pd.DataFrame | None = None,
    name: str = "lm-eval",
) -> Dataset:
    """Read results files of lm-evaluation-harness 0.4 as a dataset.

    Parameters
    ----------
    paths : path-like, or several
        Results files, or folders in which all ``results*.json`` are read, also those
        of folders in it. Where two have the same model and task, the later counts,
        and a warning says so.
    models : pandas.DataFrame or mapping, optional
        Columns of the models table, ``model`` being the name that the results have
        (``model_name``); or, where all results are of one model, its columns as a
        mapping, in which ``model`` renames it. Sizes that are not given are taken
        from the results (``model_num_parameters``), if these have them.
    tasks : mapping of str to str, optional
        Benchmark by task, for tasks that are not known or mean another benchmark.
    metrics : mapping of str to str, optional
        Metric by task, as the results call it, such as
        ``{"gsm8k": "exact_match,flexible-extract"}``.
    benchmarks : pandas.DataFrame, optional
        ``benchmark``, ``n_items``, ``chance`` of benchmarks that
        `known_benchmarks` does not have.
    name : str
        A short name for reports.

    Returns
    -------
    Dataset
        Scores by the harness ``"lm-eval"``, with the number of items that the run
        had. No model is a reference. Tasks that are not known are named in a
        warning, and left out.

    Raises
    ------
    DataError
        If there are no results, a file is none or of an older version, no task is
        known, or a model has no size.

    Examples
    --------
    >>> import json, tempfile
    >>> results = {
    ...     "results": {"arc_challenge": {"acc,none": 0.50, "acc_norm,none": 0.53}},
    ...     "n-samples": {"arc_challenge": {"original": 1172, "effective": 1172}},
    ...     "config": {"model_num_parameters": 8_030_261_248},
    ...     "model_name": "mine/model-8B",
    ... }
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "results_1.json").write_text(json.dumps(results))
    ...     data = lm_eval(folder, models={"release_date": "2025-05-01"})
    >>> data.scores[["model", "benchmark", "score", "n_items"]].values.tolist()
    [['mine/model-8B', 'ARC-C', 0.53, 1172.0]]
    """
    runs = [_read(file) for file in _files(paths)]
    found = _scores(runs, dict(tasks or {}), dict(metrics or {}))
    table, names = benchmarks_named(found["benchmark"], benchmarks, where="results")
    about = _models(runs, models)
    renamed = dict(zip(about["results_name"], about["model"], strict=True))
    return Dataset.from_frames(
        models=about.drop(columns="results_name"),
        benchmarks=table,
        scores=found.assign(
            model=found["model"].map(renamed), benchmark=found["benchmark"].map(names)
        ),
        name=name,
        description="Results of lm-evaluation-harness",
    )


def _files(paths: Any) -> list[Path]:
    """Return the results files that paths name, each once."""
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found: dict[Path, None] = {}
    for path in map(Path, given):
        if path.is_dir():
            inside = sorted(path.rglob(PATTERN))
            if not inside:
                raise DataError(f"'{path}' has no {PATTERN} in it: name the files themselves")
            found |= dict.fromkeys(inside)
        elif path.is_file():
            found[path] = None
        else:
            raise DataError(f"'{path}' does not exist")
    if not found:
        raise DataError("no path at all: give a results file, or a folder of them")
    return list(found)


def _read(file: Path) -> _Run:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"'{file}' cannot be read as JSON: {error}") from error
    results = content.get("results") if isinstance(content, Mapping) else None
    if not isinstance(results, Mapping) or not all(
        isinstance(found, Mapping) for found in results.values()
    ):
        raise DataError(f"'{file}' is no results file of lm-evaluation-harness: no 'results' in it")
    keys = {key for found in results.values() for key in found if key != "alias"}
    if keys and not any("," in key for key in keys):
        raise DataError(
            f"'{file}' is of a version of lm-evaluation-harness before 0.4 (metrics such as "
            f"'{sorted(keys)[0]}' without a filter): run it with 0.4 or later"
        )
    date = content.get("date")
    known = isinstance(date, int | float)
    return _Run(file, _model_name(file, content), date if known else 0.0, content)


def _model_name(file: Path, content: Mapping[str, Any]) -> str:
    """Return what a run calls its model; the argument that names it where there is no more."""
    if content.get("model_name"):
        return str(content["model_name"])
    arguments = (content.get("config") or {}).get("model_args") or {}
    if isinstance(arguments, str):
        arguments = dict(part.split("=", 1) for part in arguments.split(",") if "=" in part)
    for key in MODEL_ARGUMENTS:
        if arguments.get(key):
            return str(arguments[key])
    raise DataError(f"'{file}' does not say which model it is of (model_name, config.model_args)")


@cache
def _known_tasks() -> pd.DataFrame:
    with files("bayesdense.readers").joinpath("lm_eval_tasks.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def _scores(runs: Sequence[_Run], tasks: dict[str, str], metrics: dict[str, str]) -> pd.DataFrame:
    """Return one row a model and benchmark, the latest of the best known task."""
    known = _known_tasks()
    benchmark_of = dict(zip(known["task"], known["benchmark"], strict=True)) | tasks
    order = {task: place for place, task in enumerate([*tasks, *known["task"].unique()])}
    rows, strange = [], dict[str, None]()
    for run in sorted(runs, key=lambda run: (run.date, run.file.name)):
        wanted, unknown = _walk(run, benchmark_of)
        strange |= dict.fromkeys(unknown)
        rows += [_score(run, task, benchmark_of[task], metrics) for task in wanted]
    for what, given in (("tasks", tasks), ("metrics", metrics)):
        for task in given:
            if not any(task in run.results for run in runs):
                present = {name: None for run in runs for name in run.results}
                raise DataError(
                    f"{what}: no results file has the task {task!r}: {near_match(task, present)}"
                )
    if not rows:
        raise DataError(
            f"no task of the results is known: they have {_list(strange) or 'none'}. Say of which "
            'benchmark a task is, as tasks={"arc_easy": "ARC-E"}'
        )
    if strange:
        _warn(
            f"tasks of the results that are not known are left out: {_list(strange)}. Say of which "
            'benchmark one is, as tasks={"arc_easy": "ARC-E"}'
        )
    table = pd.DataFrame(rows)
    again = table[table.duplicated(["model", "task"], keep="last")]
    if len(again):
        _warn(f"of several results the latest counts: {_list(_model_and_task(again))}")
    table = table.drop_duplicates(["model", "task"], keep="last")
    # Several tasks are the same items asked in other ways: one of them is enough.
    table = table.assign(order=table["task"].map(order)).sort_values(
        ["model", "benchmark", "order"], kind="stable"
    )
    others = table[table.duplicated(["model", "benchmark"], keep="first")]
    if len(others):
        kept = table.drop_duplicates("benchmark").set_index("benchmark")["task"]
        _warn(
            "of several tasks on one benchmark one counts: "
            + _list(
                f"{kept[benchmark]}, not {task}"
                for benchmark, task in dict.fromkeys(
                    zip(others["benchmark"], others["task"], strict=True)
                )
            )
        )
    table = table.drop_duplicates(["model", "benchmark"], keep="first")
    return table.drop(columns=["order", "task"]).reset_index(drop=True)


def _walk(run: _Run, benchmark_of: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return known tasks, and unknown ones, without those that a known group is a mean of."""
    groups, results = run.groups, run.results
    children = {child for tasks in groups.values() for child in tasks}
    queue = [name for name in dict.fromkeys([*groups, *results]) if name not in children]
    known, unknown, seen = dict[str, None](), dict[str, None](), set[str]()
    while queue:
        name = queue.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name in benchmark_of and name in results:
            known[name] = None
        elif any(one in benchmark_of for one in _below(run, name)):
            queue += groups[name]
        elif name in results:
            unknown[name] = None
    return list(known), list(unknown)


def _below(run: _Run, task: str) -> list[str]:
    """Return everything that a group is a mean of, groups and tasks."""
    groups, found, queue = run.groups, dict[str, None](), [task]
    while queue:
        more = [child for child in groups.get(queue.pop(0), []) if child not in found]
        found |= dict.fromkeys(more)
        queue += more
    return list(found)


def _score(run: _Run, task: str, benchmark: str, metrics: Mapping[str, str]) -> dict[str, Any]:
    """Return the row of one task of one run."""
    results = run.results[task]
    known = _known_tasks()
    asked = known.loc[known["task"].eq(task), "metric"].tolist()
    if task in metrics:
        asked = [metrics[task]]
    there = [key for key in results if "," in key and "_stderr," not in key]
    metric = next((name for name in asked if name in there), None)
    if metric is None and not asked and len(there) == 1:
        metric = there[0]
    if metric is None:
        wanted = f"has no {' or '.join(asked)}, but" if asked else "has several metrics:"
        raise DataError(
            f"'{run.file}': {task} {wanted} {', '.join(there) or 'none'}: choose one, as "
            f'metrics={{"{task}": "{there[0] if there else "acc,none"}"}}'
        )
    items, every = _items(run, task)
    if items is not None and items < every:
        _warn(f"'{run.file.name}': {task} is a mean of {items:,} of its {every:,} items (--limit)")
    return {
        "model": run.model,
        "benchmark": benchmark,
        "task": task,
        "score": results[metric],
        "harness": HARNESS,
        "n_items": items,
        "shots": _shots(run, task),
        "source": f"{task} ({metric}) in {run.file.name}",
    }


def _leaves(run: _Run, task: str) -> list[str]:
    """Return the tasks that a group is a mean of; the task itself where it is none."""
    return [one for one in _below(run, task) if one not in run.groups] or [task]


def _items(run: _Run, task: str) -> tuple[int | None, int]:
    """Return how many items a score is a mean of, and how many there were to choose from."""
    counts = run.part("n-samples")
    found = [counts.get(leaf) for leaf in _leaves(run, task)]
    if not all(isinstance(one, Mapping) and "effective" in one for one in found):
        return None, 0
    effective = sum(int(one["effective"]) for one in found if one)
    return effective, sum(int(one.get("original", one["effective"])) for one in found if one)


def _shots(run: _Run, task: str) -> int | None:
    """Return the examples in the prompt, where all tasks of a group have as many."""
    shots = run.part("n-shot")
    found = {shots.get(leaf) for leaf in _leaves(run, task)}
    only = found.pop() if len(found) == 1 else None
    return only if isinstance(only, int) else None


def _models(runs: Sequence[_Run], models: Any) -> pd.DataFrame:
    """Return the models table, with the name that the results have as ``results_name``."""
    names = list(dict.fromkeys(run.model for run in runs))
    if isinstance(models, Mapping):
        if len(names) > 1:
            raise DataError(
                f"results are of {len(names)} models ({_list(names)}), and models describes one: "
                "give a table with the column model"
            )
        table = pd.DataFrame([{"model": names[0]} | dict(models)]).assign(results_name=names)
    elif models is None:
        table = pd.DataFrame({"model": names, "results_name": names})
    elif isinstance(models, pd.DataFrame) and "model" in models:
        missing = [name for name in names if name not in set(models["model"])]
        if missing:
            raise DataError(
                f"models has no row for {missing[0]!r}, of which there are results: "
                f"{near_match(missing[0], models['model'])}"
            )
        table = models[models["model"].isin(names)].reset_index(drop=True)
        table = table.assign(results_name=table["model"])
        if without := [name for name in models["model"] if name not in names]:
            _warn(f"models without results are left out: {_list(without)}")
    else:
        raise DataError(
            "models: allowed is a DataFrame with the column model, or a mapping for one model"
        )
    return _with_sizes(table, runs)


def _with_sizes(table: pd.DataFrame, runs: Sequence[_Run]) -> pd.DataFrame:
    """Fill sizes that are not given from the results."""
    sizes = {run.model: run.n_params for run in runs if run.n_params is not None}
    given = table["n_params"] if "n_params" in table else pd.Series(None, table.index, dtype=float)
    found = given.where(given.notna(), table["results_name"].map(sizes).astype(float))
    if found.isna().any():
        nameless = table.loc[found.isna(), "results_name"]
        raise DataError(
            f"the results do not say how many parameters {_list(nameless)} has: give n_params in "
            "models"
        )
    filled = given.isna()
    if filled.any():
        source = table.get("n_params_source", pd.Series("", table.index))
        table = table.assign(
            n_params_source=source.mask(filled, "model_num_parameters of lm-evaluation-harness")
        )
    return table.assign(n_params=found)


def _model_and_task(rows: pd.DataFrame) -> list[str]:
    return [f"{task} of {model}" for model, task in zip(rows["model"], rows["task"], strict=True)]


def _list(names: Iterable[str]) -> str:
    """Return names with commas between, the first few of many."""
    found = list(names)
    more = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _warn(text: str) -> None:
    warnings.warn(text, BayesdenseWarning, stacklevel=4)
