"""Environments of other people: single precision, and folders that cannot be written to."""

import os
import subprocess
import sys

import pymc as pm
import pytest

import bayesdense as bd
from bayesdense.errors import SamplingError
from bayesdense.sampler.backend import compile_cache
from bayesdense.sampler.progress import Progress
from tests.simulate import simulate

pytestmark = pytest.mark.sampling

FIT = """
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {root!r})
import bayesdense as bd
from tests.simulate import simulate
data = simulate("scores only", seed=3, n_targets=12, n_families=5)
model = bd.DensityModel(form="pooled", ruler="skill")
print(model.build(data)["growth_rate"].dtype)
try:
    fit = model.fit(data, draws=50, tune=50, chains=1, random_seed=1, progressbar=False)
except bd.BayesdenseError as error:
    print("error:", error)
else:
    fit.to_datatree(["prior", "log_prior", "posterior_predictive"])
    print(fit.posterior["growth_rate"].dtype)
import pytensor
print(pytensor.config.floatX)
"""


def run(root, **environment):
    line = [sys.executable, "-c", FIT.format(root=str(root))]
    done = subprocess.run(
        line, capture_output=True, text=True, env=os.environ | environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_single_precision_in_the_environment_changes_nothing(pytestconfig):
    lines = run(pytestconfig.rootpath, PYTENSOR_FLAGS="floatX=float32")
    assert lines == ["float64", "float64", "float32"]


def test_a_home_that_cannot_be_written_to_names_the_way_out(pytestconfig):
    built, said, _ = run(pytestconfig.rootpath, HOME="/dev/null/x", PYTENSOR_FLAGS="")
    assert built == "float64"
    assert said.startswith("error: compiled code cannot be stored")
    assert "PYTENSOR_FLAGS=base_compiledir=FOLDER" in said and "/dev/null/x" in said


def test_a_full_disk_while_compiling_names_the_way_out(monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compile_cache, "compile_dynamic", fail)

    class Packed:
        apply = staticmethod(lambda model: (None, None))
        values = staticmethod(lambda data, lengths: {})

    class Plain:
        data_vars, dim_lengths = (), {}

    class Model:
        model, hidden = Plain, ()

    shown = Progress(False, "")
    with pytest.raises(SamplingError, match="No space left.*base_compiledir"):
        compile_cache._compile(Model, "a structure", Packed, shown, "dynamic")


def test_draws_from_the_prior_of_a_built_model_warn_of_nothing():
    data = simulate("scores only", seed=3, n_targets=12, n_families=5)
    model = bd.DensityModel().build(data)
    pm.sample_prior_predictive(draws=5, model=model, random_seed=1)
