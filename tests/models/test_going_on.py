"""A fit of which nobody asked for a number of draws goes on where its posterior is not trusted."""

from __future__ import annotations

import warnings

import pytest

import bayesdense as bd
from bayesdense.models import density
from bayesdense.sampler.nuts import SamplingInterrupted
from bayesdense.sampler.settings import MOST_ACCEPT
from tests.simulate import KINDS, simulate

pytestmark = pytest.mark.sampling

MODEL = bd.DensityModel(form="pooled")
HOW = {"tune": 100, "chains": 2, "random_seed": 3, "reference_posterior": False}


@pytest.fixture(scope="module")
def data():
    return simulate(KINDS[0], seed=3, n_targets=9, n_families=3)


@pytest.fixture
def few(monkeypatch):
    """Let the usual number of draws be too small."""
    monkeypatch.setattr(density, "DRAWS", 30)


def fitted(data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bd.DiagnosticsWarning)
        return MODEL.fit(data, progressbar=False, **HOW | options)


def test_it_goes_on_once_within_its_limit(data, few, tmp_path):
    fit = fitted(data)
    (first,) = fit.info.attempts
    assert first.draws == 30 and not (first.rhat <= 1.01 and first.ess >= 400)
    assert fit.posterior.sizes["draw"] == fit.info.settings.draws == 90
    loaded = bd.load_fit(fit.save(tmp_path / "fit.nc"))
    assert loaded.info == fit.info


def test_asked_for_a_number_of_draws_it_keeps_to_it(data, few):
    fit = fitted(data, draws=30)
    assert fit.posterior.sizes["draw"] == 30 and not fit.info.attempts
    assert not fit.checks().trusted
    assert "sample draws=100 in the place of 30, with 4 chains" in fit.checks()["convergence"].text


def test_interrupted_while_it_goes_on_the_first_draws_are_kept(data, few, monkeypatch):
    original, calls = bd.DensityModel.sample_design, []

    def sample_design(self, *arguments, **options):
        calls.append(options["warm_start"])
        if len(calls) > 1:
            raise SamplingInterrupted("interrupted during warm-up: no draws kept")
        return original(self, *arguments, **options)

    monkeypatch.setattr(bd.DensityModel, "sample_design", sample_design)
    fit = fitted(data)
    assert calls[0] is None and calls[1] is not None
    assert fit.posterior.sizes["draw"] == 30 and not fit.info.attempts
    assert fit.interrupted.startswith("interrupted while it was sampled once more")


@pytest.mark.parametrize(("asked", "then"), [(None, 0.994), (0.9, 0.9)])
def test_steps_are_smaller_only_where_no_acceptance_was_asked_for(
    data, few, monkeypatch, asked, then
):
    original, calls = bd.DensityModel.sample_design, []

    def sample_design(self, *arguments, **options):
        drawn = original(self, *arguments, **options)
        calls.append(drawn)
        if len(calls) == 1:
            drawn.result.sample_stats["diverging"][0, 0] = True
        return drawn

    monkeypatch.setattr(bd.DensityModel, "sample_design", sample_design)
    fit = fitted(data, target_accept=asked)
    (first,) = fit.info.attempts
    assert first.divergences >= 1 and first.target_accept == (asked or MOST_ACCEPT)
    assert fit.info.settings.target_accept == pytest.approx(then)
