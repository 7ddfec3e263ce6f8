"""A study gives the same draws whoever fits: a process that compiles, others, or threads."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import bayesdense as bd
from bayesdense.studies import choices, sensitivity
from tests.simulate import KINDS, simulate
from tests.studies.test_sensitivity import SHORT, without_times

# Four fits, so that all threads of a worker have one.
RESIDUAL = {"residual": choices.model_options("reference_residual", [0.1, 0.05, 0.2, 0.15])}


@pytest.fixture(scope="module")
def data():
    return simulate(KINDS[0], seed=5, n_targets=20, n_families=6)


@pytest.fixture(scope="module")
def model(data):
    # Every process and thread needs a copy of the prior too.
    by_name = dict.fromkeys(reversed(data.core_benchmarks), 0.2)
    floors = bd.Prior("TruncatedNormal", mu=by_name, sigma=0.03, lower=0.0, upper=1.0)
    return bd.DensityModel(form="pooled", priors={"map_floor": floors})


@pytest.fixture(scope="module", autouse=True)
def empty_cache(tmp_path_factory):
    """Let processes that start from here share a cache of compiled code, in which nothing is."""
    folder = tmp_path_factory.mktemp("compiled")
    flags = f"{os.environ.get('PYTENSOR_FLAGS', '')},base_compiledir={folder}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTENSOR_FLAGS", flags.lstrip(","))
        yield


@pytest.fixture(scope="module")
def serial(model, data, empty_cache):
    """Return the study fit by fit, in a process that compiles; all others read what it compiled."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(sensitivity, model, data, RESIDUAL, **SHORT).result()


@pytest.mark.sampling
def test_processes_give_the_draws_of_a_serial_run(serial, model, data):
    found = sensitivity(model, data, RESIDUAL, executor=2, **SHORT)
    assert not any(outcome["reason"] for outcome in found.outcomes)
    assert without_times(found.outcomes) == without_times(serial.outcomes)


@pytest.mark.sampling
@pytest.mark.filterwarnings("ignore")
def test_a_worker_with_four_threads_gives_the_draws_of_a_serial_run(serial, model, data):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=4,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
        ) as cluster,
        Client(cluster) as client,
    ):
        found = sensitivity(model, data, RESIDUAL, executor=client, **SHORT)
    assert without_times(found.outcomes) == without_times(serial.outcomes)
