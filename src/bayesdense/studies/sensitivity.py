"""How much an answer depends on what was chosen."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from bayesdense._version import __version__
from bayesdense.data import Dataset
from bayesdense.errors import BayesdenseError, ReadinessError
from bayesdense.models import DensityModel
from bayesdense.sampler.settings import SamplingSettings
from bayesdense.spec import require_growth
from bayesdense.studies.keys import store_at
from bayesdense.studies.runner import run_tasks
from bayesdense.studies.study import TAKEN, Study, StudyInfo
from bayesdense.studies.tasks import Task

__all__ = ["Change", "Choices", "sensitivity"]

Change = Mapping[str, Any] | Callable[[Dataset], Dataset] | tuple[Any, Any] | None
"""None for nothing; arguments of the model; a function from data to data; or both, as a pair."""

Options = dict[str, Change]
"""Options of one choice by label, the usual one first."""

Choices = Mapping[str, Mapping[str, Change]]


def sensitivity(
    model: DensityModel,
    data: Dataset,
    choices: Choices,
    *,
    cross: bool = False,
    name: str | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int = 1,
    target_accept: float | None = None,
    executor: Any = None,
    store: str | os.PathLike[str] | None = None,
    progressbar: bool = True,
) -> Study:
    """Fit one question under several specifications.

    Parameters
    ----------
    model : DensityModel
        What is changed.
    data : Dataset
        What is changed; its models are those of the whole study, as selected
        before. Changes of the data come in the order of the choices.
    choices : mapping of str to mapping of str to change
        What can be chosen between, by the name of each choice, and its
        options by a label for each. An option is None (as it is), a dict of
        arguments of `DensityModel`, a function from a dataset to a dataset, or
        a pair of such a function and such a dict. The first option of each
        choice is the usual one. `bayesdense.studies.choices` has ready ones.
    cross : bool
        Whether to fit every combination (a specification curve), or to change
        one choice at a time.
    name : str, optional
        Of the study; by default the names of the choices.
    draws, tune, chains, cores, random_seed, target_accept
        How to sample each fit. One that is not to be trusted goes on, once,
        with the draws that it lacks, at most three times as many. The warm-up
        of a fit begins with what another found, which differs from it in one
        choice.
    executor : int or distributed.Client, optional
        Fits go one after another if not given; to that many processes, or to
        the cluster of the client. Results do not depend on it.
    store : path-like, optional
        Folder for what each fit gave, so that a study that was stopped goes on
        where it was. What is there of other data, models or settings is not
        used; several studies can share it.
    progressbar : bool
        Whether to show how far it is.

    Returns
    -------
    Study
        A specification that cannot be fitted has a row with its reason.

    Raises
    ------
    BayesdenseError
        If choices are empty, not of this form or called after a column of the
        results, before anything is fitted.
    ReadinessError
        If no specification can be fitted.

    Examples
    --------
    >>> import bayesdense as bd
    >>> data = bd.load_dataset("densing5").select(since="2023-02-01", min_benchmarks=3)
    >>> study = bd.studies.sensitivity(
    ...     bd.DensityModel(), data, {"size": {"total": None, "active": {"size": "active"}}}
    ... )  # doctest: +SKIP
    >>> bd.plots.sensitivity(study)  # doctest: +SKIP
    """
    _check(model, data, choices)
    settings = SamplingSettings(
        draws=draws,
        tune=tune,
        chains=chains,
        cores=cores,
        random_seed=random_seed,
        target_accept=target_accept,
    )
    options = {choice: list(of) for choice, of in choices.items()}
    specifications = _crossed(options) if cross else _one_at_a_time(options)
    tasks = _begun(
        options,
        specifications,
        [_task(model, data, choices, chosen, settings) for chosen in specifications],
    )
    if all(task.reason for task in tasks):
        reasons = "; ".join(dict.fromkeys(task.reason for task in tasks))
        raise ReadinessError(f"nothing of this study can be fitted: {reasons}")
    folder = store_at(store)
    called = name or (" x " if cross else ", ").join(options)
    outcomes = run_tasks(
        tasks, label=called, store=folder, executor=executor, progressbar=progressbar
    )
    info = StudyInfo(
        data=data.name,
        data_digest=data.digest,
        model=repr(model),
        settings=settings,
        versions={"bayesdense": __version__, "python": platform.python_version()},
    )
    return Study(called, options, specifications, outcomes, cross, info)


def _crossed(options: dict[str, list[str]]) -> list[dict[str, str]]:
    return [dict(zip(options, taken, strict=True)) for taken in product(*options.values())]


def _one_at_a_time(options: dict[str, list[str]]) -> list[dict[str, str]]:
    usual = {choice: labels[0] for choice, labels in options.items()}
    found = [usual]
    for choice, labels in options.items():
        found += [usual | {choice: label} for label in labels[1:]]
    return found


def _begun(
    options: dict[str, list[str]], specifications: list[dict[str, str]], tasks: list[Task]
) -> list[Task]:
    """Return the tasks, each begun with a fit that differs in one choice.

    It is the one in which the first choice that is not the usual one is: of a curve, every subset
    of benchmarks begins with all benchmarks under the same model.
    """
    by_labels = {tuple(s.values()): task for s, task in zip(specifications, tasks, strict=True)}

    def begun(labels: tuple[str, ...]) -> Task:
        for place, (label, known) in enumerate(zip(labels, options.values(), strict=True)):
            if label != known[0]:
                near = (*labels[:place], known[0], *labels[place + 1 :])
                return by_labels[labels].after(begun(near))
        return by_labels[labels]

    return [begun(labels) for labels in by_labels]


def _task(
    model: DensityModel,
    data: Dataset,
    choices: Choices,
    chosen: Mapping[str, str],
    settings: SamplingSettings,
) -> Task:
    """Return what to fit; what cannot be made has its reason."""
    name = ", ".join(chosen.values())
    try:
        for choice, label in chosen.items():
            of_data, of_model = _parts(choices[choice][label])
            if of_data is not None:
                data = of_data(data)
            if of_model:
                model = model.replace(**of_model)
        require_growth(model.spec, "a study of doubling times")
        model.check(data)
    except BayesdenseError as error:
        return Task(name, None, model, settings, " ".join(str(error).split()))
    return Task(name, data, model, settings)


def _parts(change: Change) -> tuple[Callable[[Dataset], Dataset] | None, Mapping[str, Any]]:
    if change is None:
        return None, {}
    if isinstance(change, Mapping):
        return None, change
    if isinstance(change, tuple):
        of_data, of_model = change
        return of_data, of_model or {}
    return change, {}


def _check(model: Any, data: Any, choices: Any) -> None:
    if not isinstance(model, DensityModel):
        raise BayesdenseError(f"model must be a DensityModel, not {type(model).__name__}")
    if not isinstance(data, Dataset):
        raise BayesdenseError(f"data must be a bayesdense Dataset, not {type(data).__name__}")
    if not isinstance(choices, Mapping) or not choices:
        raise BayesdenseError("choices must be a dict of at least one choice")
    for choice, options in choices.items():
        if not isinstance(choice, str):
            raise BayesdenseError(f"names of choices are texts, not {choice!r}")
        if choice in TAKEN:
            raise BayesdenseError(
                f"a choice cannot be called {choice!r}, which is a column of the results; "
                f"those are {', '.join(sorted(TAKEN))}"
            )
        if not isinstance(options, Mapping) or not options:
            raise BayesdenseError(f"choice {choice!r} must be a dict of its options by label")
        for label, change in options.items():
            if not isinstance(label, str):
                raise BayesdenseError(
                    f"labels of options are texts, and {choice!r} has the label {label!r}"
                )
            pair = isinstance(change, tuple) and len(change) == 2
            if not (change is None or isinstance(change, Mapping) or callable(change) or pair):
                raise BayesdenseError(
                    f"option {label!r} of {choice!r} must be None, a dict of arguments of "
                    f"DensityModel, a function of a dataset, or a pair of both, not {change!r}"
                )
            wrong = set(_parts(change)[1]) - set(_ARGUMENTS)
            if wrong:
                raise BayesdenseError(
                    f"option {label!r} of {choice!r} has '{sorted(wrong)[0]}', which is no "
                    f"argument of DensityModel; those are {', '.join(_ARGUMENTS)}"
                )


def _arguments() -> tuple[str, ...]:
    import inspect

    return tuple(n for n in inspect.signature(DensityModel.__init__).parameters if n != "self")


_ARGUMENTS = _arguments()
