"""Fits in threads of one process are those of a serial run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.sampler.backend.compile_cache import clear_compiled
from tests.simulate import KINDS, simulate


@pytest.mark.sampling
@pytest.mark.filterwarnings("ignore::bayesdense.errors.DiagnosticsWarning")
def test_threads_give_the_draws_of_a_serial_run():
    """Every thread builds, compiles and moves coordinates at the same time as the others."""
    data = [simulate(KINDS[0], seed=3 + i % 3, n_targets=12, n_families=4) for i in range(6)]

    def fit(i):
        model = bd.DensityModel(form="pooled")
        settings = {"draws": 60, "tune": 500, "chains": 2, "cores": 1, "random_seed": i}
        more = {"reference_posterior": False, "progressbar": False}
        return model.fit(data[i], **settings, **more).posterior["growth_rate"].values

    clear_compiled()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(6)))
    for i, values in enumerate(together):
        np.testing.assert_array_equal(values, fit(i))
