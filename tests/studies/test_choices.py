"""Ready-made choices that change data: what they drop, and what they keep."""

from __future__ import annotations

import pytest

import bayesdense as bd
from bayesdense.errors import BayesdenseError
from bayesdense.studies import choices


@pytest.fixture(scope="module")
def data():
    return bd.load_dataset("densing5").select(since="2023-02-01", base_only=True)


def test_merging_drops_scores_and_no_models(data):
    options = choices.merged([0.001, 0.01])
    assert options.pop("not merged") is None
    counts = [len(change(data).scores) for change in options.values()]
    assert len(data.scores) > counts[0] > counts[1]
    for change in options.values():
        assert set(change(data).scores["model"]) == set(data.scores["model"])


def test_high_scores_of_references_stay(data):
    change = choices.high_scores(data, [0.5])["scores up to 0.5"]
    kept = change(data).scores.merge(data.models[["model", "is_reference"]], on="model")
    assert kept.loc[~kept["is_reference"], "score"].max() <= 0.5
    references = data.models.loc[data.models["is_reference"], "model"]
    assert kept["is_reference"].sum() == data.scores["model"].isin(references).sum()
    with pytest.raises(BayesdenseError, match="between 0 and 1"):
        choices.high_scores(data, [50.0])


def test_options_of_one_name_are_told_apart_or_refused():
    days = [bd.trends.ChangePoint("2024-01-01"), bd.trends.ChangePoint("2024-06-01")]
    found = choices.model_options("trend", days)
    assert [change["trend"] for change in found.values()] == days
    assert len(choices.model_options("d0", [1e12, 1.0000001e12])) == 2
    with pytest.raises(BayesdenseError, match="cannot be told apart"):
        choices.model_options("d0", [1e12, 1e12])


def test_one_name_is_as_good_as_a_list_and_an_unknown_one_is_refused(data):
    assert list(choices.references(data, "Qwen1.5"))[1:] == ["Qwen1.5"]
    with pytest.raises(BayesdenseError, match="unknown family 'Lama'"):
        choices.references(data, ["Lama"])
    assert list(choices.windows(data, since="2024-01-01")) == ["all dates", "since 2024-01-01"]
    assert len(choices.high_scores(data, {0.8, 0.9})) == 3
    assert list(choices.merged(map(float, [0.01]))) == ["not merged", "merged within 0.01"]
    assert list(choices.high_scores(data, 0.9)) == ["all scores", "scores up to 0.9"]
    with pytest.raises(BayesdenseError, match="tolerances must be numbers"):
        choices.merged(["x"])


def test_the_first_option_of_every_part_is_the_default():
    """A study varies what it names: its usual row is the model as it is."""
    model = bd.DensityModel()
    usual = model.spec.to_dict()
    for options in (choices.families(), choices.size_slope(), choices.trends(), choices.sizes()):
        assert model.replace(**next(iter(options.values()))).spec.to_dict() == usual
    assert model.replace(**choices.structure()["full"]).spec.to_dict() == usual
    assert model.replace(**choices.families()["no families"]).spec.families is False


def test_an_edition_survives_a_latent_skill():
    for form in ("full", "first-edition"):
        model = bd.DensityModel(form=form)
        again = model.replace(ruler="skill").replace(ruler="joint")
        assert again.spec.to_dict() == model.spec.to_dict()
