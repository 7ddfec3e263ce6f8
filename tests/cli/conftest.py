from __future__ import annotations

import copy
import dataclasses

import pytest
from typer.testing import CliRunner

from bayesdense.cli.main import app
from bayesdense.fit.checks.run import run_checks
from bayesdense.models import DensityModel
from tests.fake import fake_fit, tiny_dataset


@pytest.fixture
def run():
    """Return a function that runs one command line in this process."""

    def run_line(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return run_line


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Return a folder with the tables of the tiny dataset."""
    return tiny_dataset().to_folder(tmp_path_factory.mktemp("data") / "tiny")


@pytest.fixture(scope="session")
def made():
    """Fits of the tiny dataset by trend, with draws from the prior."""
    return {name: fake_fit(name) for name in ("linear", "frontier")}


@pytest.fixture
def sampler(monkeypatch, made):
    """Replace sampling by ready fits; returns the calls and what may be changed."""

    class Sampler:
        calls = []
        models = []
        trusted = True
        changes = {}
        error = None

    def fit(model, data, **settings):
        name = model.spec.trend.name
        Sampler.calls.append((name, data, settings))
        Sampler.models.append(model)
        if Sampler.error is not None:
            raise Sampler.error
        result = copy.copy(made[name])
        result.info = dataclasses.replace(made[name].info, **Sampler.changes)
        report = run_checks(result)
        if Sampler.trusted:
            report = type(report)(tuple(r for r in report.results if r.verdict != "bad"))
        result.__dict__["_report"] = report
        return result

    Sampler.calls, Sampler.models = [], []
    monkeypatch.setattr(DensityModel, "fit", fit)
    return Sampler
