"""Real fits of several specifications: what is fitted, stored, resumed, and left out."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.errors import BayesdenseError, ReadinessError
from bayesdense.sampler.settings import SamplingSettings
from bayesdense.sampler.warm_start import WarmStart
from bayesdense.studies import choices, executors, sensitivity
from bayesdense.studies.tasks import Task, failure
from tests.conftest import samples
from tests.simulate import KINDS, simulate
from tests.studies.fake import outcome

MODEL = bd.DensityModel(form="pooled")
SHORT = {"draws": 60, "tune": 60, "chains": 2, "random_seed": 3, "progressbar": False}
RESIDUAL = {"residual": choices.model_options("reference_residual", [0.1, 0.05, 0.2])}


@pytest.fixture(scope="module")
def data():
    return simulate(KINDS[0], seed=5, n_targets=20, n_families=6)


@pytest.fixture(scope="module")
def counted():
    """Count the fits that are made."""
    made = []
    original = executors.fit_one

    def fit_one(task, warm_start):
        made.append((task.name, warm_start))
        return original(task, warm_start)

    executors.fit_one = fit_one
    yield made
    executors.fit_one = original


def without_times(outcomes):
    keep = [n for n in outcomes[0] if n not in ("seconds", "compile_seconds")]
    return [{name: outcome[name] for name in keep} for outcome in outcomes]


@pytest.fixture(scope="module")
@samples
def whole(data, counted, tmp_path_factory):
    """Return a study of three fits, and the folder with their results."""
    store = tmp_path_factory.mktemp("store")
    study = sensitivity(MODEL, data, RESIDUAL, store=store, **SHORT)
    return study, store


def test_one_choice_changes_at_a_time_or_all_are_crossed(data, monkeypatch):
    monkeypatch.setattr(executors, "fit_one", lambda *_: (failure("not fitted"), None))
    both = RESIDUAL | {"noise": choices.model_options("observation", ["normal", "student-t"])}
    single = sensitivity(MODEL, data, both, **SHORT)
    taken = [tuple(s.values()) for s in single.specifications]
    assert taken == [
        ("0.1", "normal"),
        ("0.05", "normal"),
        ("0.2", "normal"),
        ("0.1", "student-t"),
    ]
    assert len(sensitivity(MODEL, data, both, cross=True, **SHORT).specifications) == 6


@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_a_fit_is_that_of_the_model_begun_with_the_first(whole, data):
    study, store = whole
    model = MODEL.replace(reference_residual=0.2)
    (file,) = store.glob("*.nc")
    first = WarmStart.load(file, MODEL.spec, data.digest)
    short = SHORT | {"reference_posterior": False}
    begun = model.fit(data, **short, warm_start=first)
    assert begun.info.warm_start == data.digest
    own = model.fit(data, **short | {"draws": 180}, warm_start=begun)
    rates = own.rate_draws()[("typical", "all dates", "all benchmarks")]
    # So few draws are never to be trusted: each fit went on, with three times as many.
    np.testing.assert_allclose(study.growth_draws()[2], rates, rtol=1e-5)
    assert study.summary()["reason"].str.contains("not to be trusted").all()
    assert (study.summary()["draws"] == 360).all()


def test_only_the_first_fit_compiles(whole):
    study, _ = whole
    assert [o["compile_seconds"] > 0 for o in study.outcomes[1:]] == [False, False]


def test_a_fit_begins_with_one_that_differs_in_one_choice(data, monkeypatch):
    """The first choice that is not usual is usual there; equal fits are one fit."""
    given = {}

    def fit_one(task, warm_start):
        name = f"{task.model.spec.reference_residual:g}, {task.model.spec.observation}"
        given[name] = warm_start
        return outcome(2.0), name

    monkeypatch.setattr(executors, "fit_one", fit_one)
    residual = RESIDUAL["residual"] | {"as it is": None}
    noise = choices.model_options("observation", ["normal", "student-t"])
    study = sensitivity(MODEL, data, {"residual": residual, "noise": noise}, cross=True, **SHORT)
    assert given == {
        "0.1, normal": None,
        "0.05, normal": "0.1, normal",
        "0.2, normal": "0.1, normal",
        "0.1, student-t": "0.1, normal",
        "0.05, student-t": "0.1, student-t",
        "0.2, student-t": "0.1, student-t",
    }
    assert len(study.outcomes) == 8


def test_what_is_stored_is_not_fitted_again(whole, data, counted):
    study, store = whole
    files = sorted(store.glob("*.json"))
    assert len(files) == 3 and len(list(store.glob("*.nc"))) == 1
    before = len(counted)
    again = sensitivity(MODEL, data, RESIDUAL, store=store, **SHORT)
    assert len(counted) == before
    assert again.outcomes == study.outcomes
    # A damaged file and a missing one: these two, and only these.
    files[0].write_text("{")
    files[1].unlink()
    resumed = sensitivity(MODEL, data, RESIDUAL, store=store, **SHORT)
    assert len(counted) == before + 2
    assert without_times(resumed.outcomes) == without_times(study.outcomes)


def test_what_the_first_found_is_found_again_where_it_is_lost(whole, data, counted):
    study, store = whole
    settings = SamplingSettings(draws=60, tune=60, chains=2, random_seed=3)
    first = Task("first", data, MODEL, settings)
    lost, missing = store / f"{first.key}.nc", sorted(store.glob("*.json"))
    lost.write_bytes(b"half of it")
    missing = next(file for file in missing if file.stem != first.key)
    missing.unlink()
    before = len(counted)
    again = sensitivity(MODEL, data, RESIDUAL, store=store, **SHORT)
    (_, nothing), (_, begun) = counted[before:]
    assert nothing is None and begun.data_digest == data.digest
    assert without_times(again.outcomes) == without_times(study.outcomes)


@pytest.mark.parametrize("change", ["data", "model", "settings"])
def test_other_data_models_and_settings_have_results_of_their_own(whole, data, change):
    settings = SamplingSettings(draws=60, tune=60, chains=2, random_seed=3)
    usual = Task("one", data, MODEL, settings)
    reseeded = SamplingSettings(draws=60, tune=60, chains=2, random_seed=4)
    other = {
        "data": Task("one", data.select(min_params=2e9), MODEL, settings),
        "model": Task("one", data, MODEL.replace(d0=2e12), settings),
        "settings": Task("one", data, MODEL, reseeded),
    }
    assert other[change].key != usual.key
    same = SamplingSettings(draws=60, tune=60, chains=2, random_seed=3, cores=1)
    assert Task("two", data, bd.DensityModel(form="pooled"), same).key == usual.key


def test_a_specification_that_cannot_be_fitted_has_a_row(whole, data):
    _, store = whole
    study = sensitivity(
        MODEL,
        data,
        {"window": choices.selections({"all": {}, "none": {"since": "2031-01-01"}})},
        store=store,
        **SHORT,
    )
    assert study.summary()["median"].notna().tolist() == [True, False]
    assert "no target model is left" in study.summary()["reason"].iloc[1]


def test_a_fit_that_fails_is_a_row_and_is_tried_again(data, tmp_path, monkeypatch):
    calls = []

    def fails(task, warm_start):
        calls.append(task.name)
        return failure("the sampler stopped"), None

    monkeypatch.setattr(executors, "fit_one", fails)
    for _ in range(2):
        study = sensitivity(MODEL, data, RESIDUAL, store=tmp_path, **SHORT)
        assert (study.summary()["reason"] == "the sampler stopped").all()
    assert len(calls) == 6 and not list(tmp_path.iterdir())


def test_models_stay_when_benchmarks_go(data):
    found = choices.benchmark_subsets(data)
    assert len(found) == 2 ** len(data.core_benchmarks) - 1
    for label, change in list(found.items())[1:]:
        part = change(data)
        assert len(part.models) == len(data.models)
        assert part.core_benchmarks == label.split(", ")


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        ({}, "at least one choice"),
        ({"size": {}}, "'size' must be a dict of its options"),
        ({"size": {"a": 3}}, "option 'a' of 'size' must be None"),
        ({"size": {"a": {"sise": "active"}}}, "has 'sise', which is no argument"),
        ({"references": {"a": None}}, "cannot be called 'references', which is a column"),
        ({"residual": {0.1: None}}, "'residual' has the label 0.1"),
        ({1: {"a": None}}, "names of choices are texts"),
    ],
)
def test_choices_that_are_none_are_refused(data, bad, match):
    with pytest.raises(BayesdenseError, match=match):
        sensitivity(MODEL, data, bad, **SHORT)


def test_a_study_of_which_nothing_can_be_fitted_is_refused(data, tmp_path):
    nothing = {"data": {"none": bd.Dataset.without_references}}
    with pytest.raises(ReadinessError, match="nothing of this study can be fitted: .*reference"):
        sensitivity(MODEL, data, nothing, store=tmp_path / "fits", **SHORT)
    assert not (tmp_path / "fits").exists()
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(BayesdenseError, match="store=.* cannot be a folder"):
        sensitivity(MODEL, data, RESIDUAL, store=file, **SHORT)


@pytest.mark.parametrize("executor", [0, True, "many", 1.5])
def test_an_executor_that_is_none_is_refused(data, executor):
    with pytest.raises(BayesdenseError, match="executor must be"):
        sensitivity(MODEL, data, RESIDUAL, executor=executor, **SHORT)


@pytest.mark.slow
def test_results_do_not_depend_on_who_fits(whole, data):
    processes = sensitivity(MODEL, data, RESIDUAL, executor=2, **SHORT)
    assert without_times(processes.outcomes) == without_times(whole[0].outcomes)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_finishes(whole, data, tmp_path):
    """A worker is killed while it fits; another one does its work."""
    import threading

    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))
        killer = threading.Timer(20.0, lambda: os.kill(victim, signal.SIGKILL))
        killer.start()
        found = sensitivity(MODEL, data, RESIDUAL, executor=client, store=tmp_path, **SHORT)
        killer.join()
        workers = set(client.run(os.getpid).values())
    assert victim not in workers
    assert without_times(found.outcomes) == without_times(whole[0].outcomes)
    assert len(list(tmp_path.glob("*.json"))) == 3


@pytest.mark.slow
def test_two_processes_share_one_store(whole, data, counted, tmp_path):
    """Both find all that one alone finds, and what they leave is whole."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        both = [
            pool.submit(sensitivity, MODEL, data, RESIDUAL, store=tmp_path, **SHORT)
            for _ in range(2)
        ]
    for found in both:
        assert without_times(found.result().outcomes) == without_times(whole[0].outcomes)
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".json"] * 3 + [".nc"]
    counted.clear()
    sensitivity(MODEL, data, RESIDUAL, store=tmp_path, **SHORT)
    assert not counted


def test_two_that_write_one_result_leave_it_whole(whole, tmp_path):
    """Each writes a file of its own and renames it: a reader never sees half of one."""
    import threading

    from bayesdense.data.atomic import write_text

    text = json.dumps(whole[0].outcomes[0])
    file = tmp_path / "one.json"
    write_text(file, text)
    stop = time.monotonic() + 1.0
    seen = []

    def write():
        while time.monotonic() < stop:
            write_text(file, text)

    def read():
        while time.monotonic() < stop:
            seen.append(file.read_text() == text)

    threads = [threading.Thread(target=f) for f in (write, write, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen and all(seen)
