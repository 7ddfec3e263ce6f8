"""Models are changed by name, and drawn as the graph that PyMC makes of them."""

from __future__ import annotations

import pymc as pm
import pytest

import bayesdense as bd
from tests.fake import tiny_dataset

MODELS = [bd.DensityModel(trend="frontier"), bd.RulerModel(law="irreducible")]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_change_leaves_the_rest_as_it_is(model):
    before = repr(model)
    changed = model.replace(
        size="active", priors={"cell_effect_sd": bd.Prior("HalfNormal", sigma=0.1)}
    )
    assert type(changed) is type(model) and repr(model) == before
    assert changed.spec.size.name == "active" and changed.spec.law == model.spec.law
    again = changed.replace(priors={"source_noise_sd": bd.Prior("HalfNormal", sigma=0.2)})
    assert set(again.spec.priors) == {"cell_effect_sd", "source_noise_sd"}
    assert repr(model.replace()) == before
    with pytest.raises(TypeError, match="unexpected keyword"):
        model.replace(siz="active")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_the_graph_is_that_of_the_model(model, monkeypatch):
    monkeypatch.setattr(pm, "model_to_graphviz", lambda built: built)
    assert isinstance(model.to_graphviz(tiny_dataset()), pm.Model)
