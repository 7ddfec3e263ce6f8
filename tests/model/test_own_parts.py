"""A law of the user's own that has a setting: another value is another model."""

import pytest

import bayesdense as bd
from bayesdense.errors import BayesdenseError
from bayesdense.parts.laws import PowerSum, laws
from bayesdense.sampling import SamplingSettings
from bayesdense.spec import ModelSpec
from bayesdense.studies.keys import key_of


class Bent(PowerSum):
    name = "bent"

    def __init__(self, bend=0.1):
        self.bend = bend


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(laws._parts, "bent", Bent)


def test_results_of_another_setting_have_another_key():
    settings = SamplingSettings(seed=1)
    specs = [bd.DensityModel(law=Bent(bend)).spec for bend in (0.1, 0.4, 0.4)]
    keys = [key_of("data", spec, settings) for spec in specs]
    assert keys[0] != keys[1] == keys[2]


def test_a_file_is_read_with_the_setting_that_it_was_made_with():
    same = bd.DensityModel(law="bent").spec
    assert ModelSpec.from_dict(same.to_dict()).law.bend == 0.1
    other = bd.DensityModel(law=Bent(0.4)).spec.to_dict()
    with pytest.raises(BayesdenseError, match=r"law 'bent' and bend=0\.4, .* here has bend=0\.1"):
        ModelSpec.from_dict(other)
