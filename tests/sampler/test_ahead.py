"""A model that is needed soon is compiled by another process, whose failure does no harm."""

import pickle

import pytest

import bayesdense as bd
from bayesdense.models import compile_ahead as program
from bayesdense.sampler.backend import ahead, object_code
from bayesdense.sampler.progress import Progress
from tests.fake import tiny_dataset
from tests.simulate import simulate


@pytest.fixture
def wanted(monkeypatch):
    monkeypatch.setattr(ahead, "is_stored", lambda structure: False)
    monkeypatch.setattr(ahead, "cores", lambda: 2)
    # Other tests of this process may have fitted.
    monkeypatch.setattr(ahead, "_running", {})
    monkeypatch.setattr(ahead, "_started", set())


@pytest.mark.parametrize("given", [b"{}", b"no JSON: the process fails"])
def test_one_process_a_structure_and_its_end_is_waited_for(wanted, given):
    key = ("structure", given)
    assert ahead.compile_in_another_process(key, "json.tool", given)
    assert not ahead.compile_in_another_process(key, "json.tool", given)
    process = ahead._running[key]
    with Progress(False, "") as shown:
        ahead.wait_for(key, shown)
        assert process.returncode is not None and key not in ahead._running
        ahead.wait_for(key, shown)
    # It may be code that cannot be stored: no other is started.
    assert not ahead.compile_in_another_process(key, "json.tool", given)
    assert not ahead._running


def test_none_where_it_is_of_no_use(wanted, monkeypatch):
    monkeypatch.setattr(ahead, "cores", lambda: 1)
    assert not ahead.compile_in_another_process("a", "json.tool", b"{}")
    monkeypatch.setattr(ahead, "cores", lambda: 2)
    monkeypatch.setattr(ahead, "is_stored", lambda structure: True)
    assert not ahead.compile_in_another_process("a", "json.tool", b"{}")
    assert not ahead._running


def test_what_the_process_is_given_is_the_model_and_its_data(monkeypatch):
    seen = []
    monkeypatch.setattr(
        program, "compile_in_another_process", lambda *given: bool(seen.append(given)) or True
    )
    model, data = bd.DensityModel(), tiny_dataset()
    design = model.make_design(data)
    assert program.compile_ahead(model, data, design)
    [(structure, module, given)] = seen
    assert structure == program.structure_of(design)
    assert module == "bayesdense.models.compile_ahead"
    again, same = pickle.loads(given)
    assert again.spec.to_dict() == model.spec.to_dict() and same.digest == data.digest
    for other in (bd.DensityModel(ruler="cut"), None):
        compiler = "dynamic" if other else "nutpie"
        assert not program.compile_ahead(other or model, data, design, compiler)
    assert len(seen) == 1


@pytest.mark.sampling
def test_another_process_compiles_the_model_and_stores_its_code(wanted):
    """The real program; Numba may have its functions, as on any machine that has run a fit."""
    data = simulate("scores only", seed=3, n_targets=12, n_families=5)
    model = bd.DensityModel(form="pooled", ruler="skill")
    design = model.make_design(data)
    structure = program.structure_of(design)
    digest = object_code._digest(structure)
    for file in object_code._folder().glob(f"{digest}-*.zip"):
        file.unlink()
    assert program.compile_ahead(model, data, design)
    process = ahead._running[structure]
    with Progress(False, "") as shown:
        ahead.wait_for(structure, shown)
    assert process.returncode == 0
    [file] = object_code._folder().glob(f"{digest}-*.zip")
    assert object_code.read_objects(file) is not None
    # So that the next fit starts no process.
    assert object_code.is_stored(structure)
