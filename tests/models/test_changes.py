"""Models are changed by name, and drawn as the graph that PyMC makes of them."""

from __future__ import annotations

import sys

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
def test_the_graph_is_that_of_the_model(model):
    pytest.importorskip("graphviz")
    source = model.to_graphviz(tiny_dataset()).source
    assert source == pm.model_to_graphviz(model.build(tiny_dataset())).source


def test_without_the_package_the_graph_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(bd.BayesdenseError, match="pip install graphviz"):
        MODELS[0].to_graphviz(tiny_dataset())


def test_without_the_program_a_graph_has_its_text_and_says_what_to_install(monkeypatch, tmp_path):
    pytest.importorskip("graphviz")
    monkeypatch.setenv("PATH", str(tmp_path))
    graph = MODELS[0].to_graphviz(tiny_dataset())
    assert "growth_rate" in graph.source or "alpha" in graph.source
    for draw in (graph.pipe, graph._repr_mimebundle_, lambda: graph.render(tmp_path / "graph")):
        with pytest.raises(bd.BayesdenseError, match="install Graphviz"):
            draw()
