"""Machine code on the disk is what was compiled, and what is wrong with a file does no harm."""

import dataclasses
import logging
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.sampler.backend import compile_cache, dynamic_shapes, object_code
from bayesdense.sampler.backend.compile_cache import clear_compiled
from bayesdense.sampler.backend.object_code import (
    ObjectCode,
    file_of,
    read_objects,
    symbols_are_known,
    write_objects,
)

CODE = ObjectCode(
    names=("a", "b"),
    n_free=1,
    dims={"a": (), "b": ("model",)},
    transformed=("a_log__",),
    shared=(("packed_float64", "float64", 1),),
    density="density",
    expanded="expanded",
    needed=("lgamma", "NRT_Allocate", "bayesdense_erfcx"),
    objects=(b"some", b"code"),
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folder" / "code.zip"


def test_what_is_stored_comes_back(file):
    write_objects(file, CODE)
    assert read_objects(file) == CODE
    assert [found.name for found in file.parent.iterdir()] == ["code.zip"]


def test_code_of_another_machine_is_not_loaded(file, caplog):
    assert symbols_are_known(CODE.needed)
    write_objects(file, dataclasses.replace(CODE, needed=("lgamma", "no_such_symbol")))
    with caplog.at_level(logging.INFO, "bayesdense"):
        assert read_objects(file) is None
    assert "no_such_symbol" in caplog.text


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "garbled", "no table"])
def test_a_damaged_file_is_none(file, damage):
    write_objects(file, CODE)
    whole = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "no table":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("0.o", b"code")
    else:
        at = whole.index(b"0.o") + len(b"0.o")
        garbled = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        file.write_bytes({"empty": b"", "cut": whole[:-30], "garbled": garbled}[damage])
    assert read_objects(file) is None


def test_what_cannot_be_written_is_not(tmp_path):
    (tmp_path / "folder").write_text("a file where the folder would be")
    write_objects(tmp_path / "folder" / "code.zip", CODE)
    assert read_objects(tmp_path / "folder" / "code.zip") is None


def test_old_code_is_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(object_code, "KEPT_FILES", 3)
    for number in range(5):
        write_objects(tmp_path / f"{number}.zip", CODE)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["2.zip", "3.zip", "4.zip"]


def test_a_part_from_elsewhere_is_compiled_every_time():
    class Mine:
        pass

    ours = ("ModelSpec", (("law", bd.laws.PowerSum, "[]"),), True)
    assert file_of(ours, "data") == file_of(ours, "data")
    assert file_of(ours, "data") != file_of(ours, "other data")
    assert file_of((*ours, Mine), "data") is None
    assert file_of((*ours, object()), "data") is None
    # A name says nothing of a model.
    assert file_of("a model", "data") is None


@pytest.mark.parametrize("content", [b"code of theirs", b"code of ours that calls get_ptr_func"])
def test_code_that_another_process_stored_meanwhile_is_not_taken(content, monkeypatch):
    graph = object.__new__(dynamic_shapes._Graph)
    found = SimpleNamespace(fndesc=SimpleNamespace(llvm_func_name="ours"), library=None)
    graph.inner = SimpleNamespace(overloads={("kinds",): found})
    monkeypatch.setattr(dynamic_shapes._Graph, "_in_memory", lambda *_: None)
    monkeypatch.setattr(dynamic_shapes._Graph, "_in_cache", lambda *_: (content, None))
    assert graph.object is None


@pytest.mark.sampling
@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_loaded_code_gives_the_same_draws(monkeypatch):
    sizes = np.repeat([1e8, 3e8, 1e9, 3e9], 2)
    tokens = sizes * np.tile([20, 100], 4)
    loss = 1.7 + 400 * sizes**-0.34 + 400 * tokens**-0.28
    table = pd.DataFrame({"n_params": sizes, "n_tokens": tokens, "loss": loss})
    runs = bd.Dataset.from_losses(table)
    settings = {"draws": 40, "tune": 60, "chains": 2, "random_seed": 1, "progressbar": False}
    model = bd.RulerModel(law="irreducible")
    first = model.fit(runs, **settings)
    clear_compiled()

    def compiled(*_):
        raise AssertionError("it was compiled")

    monkeypatch.setattr(compile_cache, "compile_dynamic", compiled)
    second = model.fit(runs, **settings)
    for name, values in first.posterior.data_vars.items():
        np.testing.assert_array_equal(values, second.posterior[name], err_msg=str(name))
