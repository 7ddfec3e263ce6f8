"""A law of the user's own that has a setting: another value is another model."""

from functools import cached_property

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.errors import BayesdenseError
from bayesdense.parts.laws import PowerSum, laws
from bayesdense.parts.settings import settings_of
from bayesdense.sampler.settings import SamplingSettings
from bayesdense.spec import ModelSpec
from bayesdense.studies import choices
from bayesdense.studies.keys import key_of


class Bent(PowerSum):
    name = "bent"

    def __init__(self, bend=0.1):
        self.bend = bend


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(laws._parts, "bent", Bent)


def test_results_of_another_setting_have_another_key():
    settings = SamplingSettings(random_seed=1)
    specs = [bd.DensityModel(law=Bent(bend)).spec for bend in (0.1, 0.4, 0.4)]
    keys = [key_of("data", spec, settings) for spec in specs]
    assert keys[0] != keys[1] == keys[2]


def test_a_file_is_read_with_the_setting_that_it_was_made_with():
    same = bd.DensityModel(law="bent").spec
    assert ModelSpec.from_dict(same.to_dict()).law.bend == 0.1
    other = bd.DensityModel(law=Bent(0.4)).spec.to_dict()
    with pytest.raises(BayesdenseError, match=r"law 'bent' and bend=0\.4, .* here has bend=0\.1"):
        ModelSpec.from_dict(other)
    without = {k: v for k, v in other.items() if k != "part_settings"}
    with pytest.raises(BayesdenseError, match=r"and no settings, .* here has bend=0\.1"):
        ModelSpec.from_dict(without)


def test_shipped_parts_leave_no_trace_in_files_and_keys():
    assert "part_settings" not in bd.DensityModel().spec.to_dict()


def test_models_and_options_show_the_setting():
    assert repr(bd.DensityModel(law=Bent(0.4))) == "DensityModel(law=Bent(bend=0.4))"
    assert repr(bd.RulerModel(law=Bent(0.4))) == "RulerModel(law=Bent(bend=0.4))"
    options = choices.model_options("law", [Bent(0.1), Bent(0.4)])
    assert list(options) == ["Bent(bend=0.1)", "Bent(bend=0.4)"]


def test_what_is_no_setting_and_what_is_long():
    """A cache and a function have no text; of a long array every number counts."""

    class Part:
        @cached_property
        def slow(self):
            return 3.0

    part = Part()
    assert part.slow == 3.0 and settings_of(part) == {}
    part.how = lambda x: x
    assert settings_of(part) == {}
    part.table = np.arange(3000.0)
    other = Part()
    other.table = part.table.copy()
    assert settings_of(part) == settings_of(other)
    other.table[1500] = 0.0
    assert settings_of(part) != settings_of(other)


def test_results_of_another_function_have_another_key():
    settings, laws_of = SamplingSettings(random_seed=1), [Bent(), Bent(), Bent()]
    for law, how in zip(laws_of, (lambda x: x, lambda x: x, lambda x: 2 * x), strict=True):
        law.how = how
    keys = [key_of("data", bd.DensityModel(law=law).spec, settings) for law in laws_of]
    assert keys[0] == keys[1] != keys[2]
