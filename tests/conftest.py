"""Real fits on simulated data, made once and shared by all tests, and the mark of what samples."""

from __future__ import annotations

import warnings
from unittest import mock

import pytest

import bayesdense as bd
from tests.simulate import KINDS, simulate

SAMPLING = {"draws": 1500, "tune": 1000, "chains": 4, "random_seed": 11, "progressbar": False}
# What is asserted is that the fit is trusted: one that is not yet goes on by itself.
GOING_ON = SAMPLING | {"draws": None}

MAY_SAMPLE = ("sampling", "slow", "notebook")


def samples(fixture):
    """Say of a fixture that it fits a model, so that the tests that use it are marked."""
    fixture.samples = True
    return fixture


# Before pytest leaves out what -m does not ask for.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests of which a fixture, or one that it is made of, samples."""
    for item in items:
        used = [found[-1].func for found in item._fixtureinfo.name2fixturedefs.values()]
        if any(getattr(function, "samples", False) for function in used):
            item.add_marker(pytest.mark.sampling)


def refuse(*_, **__):
    """Stand for a sampler where none may run."""
    pytest.fail("this test samples: mark it, or its module, with pytest.mark.sampling")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Keep tests without the mark from sampling, so that `make test-quick` stays quick."""
    if any(item.get_closest_marker(name) for name in MAY_SAMPLE):
        return (yield)
    with mock.patch("nutpie.sample", refuse), mock.patch("pymc.sample", refuse):
        return (yield)


@pytest.fixture(scope="session")
@samples
def fits():
    """Return a function that gives the fit of one kind of reference family."""
    made: dict[str, bd.DensityFit] = {}

    def fit(kind: str) -> bd.DensityFit:
        if kind not in made:
            made[kind] = bd.DensityModel().fit(
                simulate(kind, seed=4), reference_posterior=False, **GOING_ON
            )
        return made[kind]

    return fit


@pytest.fixture(scope="session")
@samples
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
