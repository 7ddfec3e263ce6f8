"""What calibration simulates and counts; the fits themselves are not part of the fast tests."""

import numpy as np
import pandas as pd
import pytest
import run
import xarray as xr
from designs import densing5_design, small_design, wide_design
from placing import FITTED, PLACED, chosen_design
from report import bands, coverage, ranks
from run import QUANTILES, RANKED, _envelope, compared, exact_design
from scenarios import scenarios
from simulator import Departures, simulate

ALL = scenarios()


@pytest.mark.parametrize("name", list(ALL))
def test_every_scenario_simulates_data_that_its_models_take(name):
    scenario = ALL[name]
    design, random = scenario.design(), np.random.default_rng(3)
    made = simulate(
        design,
        scenario.truth(random),
        random,
        scenario.departures,
        change_year=scenario.change_year,
    )
    assert len(made.data.scores) == len(design.measured)
    for model in scenario.analyses.values():
        exact = exact_design(model, made)
        # Scores beyond 0 and 1 come back, and everything else is where it was.
        found = exact.scores.assign(exact=exact.arrays["score_observed"])
        keys = ["model", "benchmark", "source"]
        both = found.merge(made.scores, on=keys, suffixes=("", "_simulated"))
        assert len(both) == len(found) == len(design.measured)
        np.testing.assert_array_equal(both["exact"], both["exact_simulated"])
        assert set(made.truth) >= {
            "growth_rate",
            "cell_effect_sd",
            "source_noise_sd",
            "log_density",
        }


def test_simulated_scores_have_the_mean_that_the_specification_gives():
    """One reference far from the ends, again and again: by hand, with its noise integrated out."""
    design = small_design()
    random = np.random.default_rng(5)
    truth = ALL["sbc, scores, linear"].truth(random)
    truth |= {
        "cell_effect_sd": np.full(4, 1e-6),
        "harness_offset_sd": np.full(4, 1e-6),
        "source_noise_sd": np.full(4, 1e-3),
    }
    seen = []
    for _ in range(300):
        made = simulate(design, truth, random)
        rows = made.scores[made.scores["model"] == "reference 2"]
        seen.append(rows.groupby("benchmark")["exact"].mean())
    sizes = design.models.loc[design.models["is_reference"], "n_params"].to_numpy(dtype=float)
    x = np.log(7e9) - np.log(sizes).mean()
    # ln rho of a reference is Normal(0, 0.1).
    at = x + 0.1 * np.random.default_rng(6).standard_normal(200_000)
    for j, name in enumerate(design.benchmarks["benchmark"]):
        alpha = truth["alpha"][j]
        logit = (
            truth["map_logit_at_centre"][j]
            + truth["map_slope_at_centre"][j] * (1 - np.exp(-alpha * at)) / alpha
        )
        span = (1 - truth["map_floor"][j]) * truth["ceiling_share"][j]
        score = truth["map_floor"][j] + span / (1 + np.exp(-logit))
        values = np.array([found[name] for found in seen])
        error = np.hypot(values.std() / np.sqrt(len(values)), 1e-4)
        assert abs(values.mean() - score.mean()) < 4.5 * error


def test_departures_change_what_they_say():
    # Noise that is the same at all scores puts some of them beyond the ends.
    design, scenario = densing5_design(), ALL["first edition, coverage"]
    truth = scenario.truth(np.random.default_rng(1))

    def made(**options):
        return simulate(design, truth, np.random.default_rng(2), Departures(**options))

    plain = made()
    target = ~plain.data.models["is_reference"].to_numpy()
    sizes = np.log(made(size_error=0.1).data.models["n_params"] / plain.data.models["n_params"])
    assert sizes[target].std() == pytest.approx(0.1, rel=0.3)
    assert not sizes[~target].any()
    moved = made(date_error=2 / 12).data.models["release_date"] - plain.data.models["release_date"]
    assert moved[target].dt.days.std() == pytest.approx(365.25 / 6, rel=0.3)
    clipped = made(clip=True).scores["exact"]
    assert clipped.between(0, 1).all() and not plain.scores["exact"].between(0, 1).all()
    wrong = made(wrong_scores=0.05).scores["exact"].to_numpy() != plain.scores["exact"].to_numpy()
    assert 0.01 < wrong.mean() < 0.1


def test_a_wide_design_has_as_many_scores_as_it_says():
    design = wide_design(100, 6)
    assert (~design.models["is_reference"]).sum() == 100
    assert len(design.measured) == pytest.approx(100 * 6 * 2 * 0.7, rel=0.15)
    assert not design.measured.duplicated(["model", "benchmark", "source"]).any()


def test_coverage_and_ranks_by_hand():
    random = np.random.default_rng(4)
    rows = []
    for seed in range(200):
        truth = random.normal()
        # The posterior of a Normal mean seen once, under its own prior: exact.
        seen = truth + random.normal()
        right = seen / 2 + np.sqrt(0.5) * random.standard_normal(2000)
        for scenario, draws in (("sbc, right", right), ("sbc, shifted", right + 0.5)):
            rows.append(
                {"scenario": scenario, "analysis": "one", "seed": seed, "quantity": "growth_rate"}
                | {"truth": truth, "rank": int((draws[:: 2000 // RANKED][:RANKED] < truth).sum())}
                | dict(
                    zip(
                        [f"q{100 * q:g}" for q in QUANTILES],
                        np.quantile(draws, QUANTILES),
                        strict=True,
                    )
                )
            )
    answers = pd.DataFrame(rows)
    table = coverage(answers).set_index("scenario")
    assert table.loc["sbc, right", "90 %"] == pytest.approx(0.9, abs=0.07)
    assert table.loc["sbc, shifted", "error"] == pytest.approx(0.5, abs=0.15)
    found = ranks(answers).set_index("scenario")
    assert found.loc["sbc, right", "outside"] == 0
    assert found.loc["sbc, shifted", "outside"] > 0.3


def test_the_envelope_is_that_of_the_dated_targets_of_each_draw():
    # Records at the dates 0, 1 and 2; the third model sets none; the last two have no date and
    # are a reference.
    slopes = np.array([[1.0, 2.0], [0.5, -1.0]])
    years = np.array([0.0, 1.0, 1.5, 2.0])
    density = slopes[..., None] * years
    density[..., 2] = -9.0
    whole = np.concatenate([density, np.full((2, 2, 2), 50.0)], axis=-1)
    named = xr.DataArray(
        whole, dims=("chain", "draw", "model"), coords={"model": list("abcdef")}, name="x"
    )
    found = _envelope(named, years)
    assert found.dims == ("chain", "draw")
    assert set(found.coords) == set()
    assert found.values[0] == pytest.approx([1.0, 2.0])
    assert found.values[1, 0] == pytest.approx(0.5)
    # Where density only falls, there is one record and no line.
    assert np.isnan(found.values[1, 1])


def test_a_panel_has_one_band_whatever_else_is_drawn():
    rank = np.arange(40) * 2
    first, again, other = (bands(rank, name) for name in ("a", "a", "b"))
    for one, two in zip(first, again, strict=True):
        assert one.tolist() == two.tolist()
    assert first[1].tolist() != other[1].tolist()


def test_numbers_that_do_not_fit_together_are_refused():
    draws = xr.Dataset({"cell_effect_sd": (("chain", "draw", "benchmark"), np.zeros((1, 5, 3)))})
    with pytest.raises(ValueError, match="cell_effect_sd: 3 values in the fit, 2 are true"):
        list(compared(draws, {"cell_effect_sd": np.zeros(2)}, 30))


def test_fits_that_did_not_mix_are_made_again_in_the_place_of_the_old(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    name = "coverage"
    fits = [
        {"seed": 1, "analysis": "default", "rhat": 1.01},
        {"seed": 2, "analysis": "default", "rhat": 1.2},
        {"seed": 3, "analysis": "", "failed": "no start"},
    ]
    run._store(fits, run._file(name, "fits"), [1, 2, 3])
    assert run.missing(name, 5) == [4, 5]
    assert run.missing(name, 4, again=1.05) == [2, 3, 4]
    again = [{"seed": 2, "analysis": "default", "rhat": 1.02}]
    run._store(again, run._file(name, "fits"), [2])
    stored = pd.read_csv(run._file(name, "fits")).set_index("seed")
    assert stored.loc[2, "rhat"] == 1.02 and stored.loc[1, "rhat"] == 1.01
    assert sorted(stored.index) == [1, 2, 3]
    # What could not be fitted has no answers, also not those of before.
    answers = [
        {"seed": 2, "quantity": "growth_rate", "rank": 5},
        {"seed": 3, "quantity": "growth_rate", "rank": 6},
    ]
    run._store(answers, run._file(name, "answers"), [2, 3])
    run._store([], run._file(name, "answers"), [3])
    assert pd.read_csv(run._file(name, "answers"))["seed"].tolist() == [2]


def test_models_to_be_placed_are_targets_of_the_design_with_dates_inside():
    design, new = chosen_design(np.random.default_rng(5))
    models = design.models.set_index("model")
    targets = models[~models["is_reference"]]
    assert len(targets) == FITTED + PLACED and len(new) == PLACED
    stay = targets.drop(new)
    assert (targets.loc[new, "release_date"] > targets["release_date"].min()).all()
    assert stay["release_date"].min() == targets["release_date"].min()
    assert set(design.measured["model"]) == set(models.index)
