"""Real fits on simulated data, each made once and shared by all tests."""

from __future__ import annotations

import warnings

import pytest

import bayesdense as bd
from tests.simulate import KINDS, simulate

SAMPLING = {"draws": 1500, "tune": 1000, "chains": 4, "seed": 11, "progress": False}
# Two kinds of ruler in one model mix more slowly; what is asserted is that the fit is trusted.
MORE = {"some of each": {"draws": 2500}}


@pytest.fixture(scope="session")
def fits():
    """Return a function that gives the fit of one kind of reference family."""
    made: dict[str, bd.DensityFit] = {}

    def fit(kind: str) -> bd.DensityFit:
        if kind not in made:
            made[kind] = bd.DensityModel().fit(
                simulate(kind, seed=4), references_alone=False, **SAMPLING | MORE.get(kind, {})
            )
        return made[kind]

    return fit


@pytest.fixture(scope="session")
def plain_fit():
    """Return a fit of the pooled form, which compiles in half the time.

    It is for tests of what is done with a fit: the data have terms that the
    form leaves out, and a divergence or two among its draws does no harm.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bd.DiagnosticsWarning)
        return bd.DensityModel(form="pooled").fit(
            simulate(KINDS[0], seed=3), **SAMPLING | {"draws": 1200}
        )
