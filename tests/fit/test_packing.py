"""Draws come back from a file as they were, but for what no Monte Carlo error allows to see."""

import numpy as np
import xarray as xr

import bayesdense as bd
from bayesdense.fit.packing import COARSE, FINE, MANY, pack, unpack
from bayesdense.posterior.cell_effects import with_cell_effects, without_cell_effects
from tests.fake import fake_fit

SAMPLE = ("chain", "draw")


def drawn(entries: int = 3) -> xr.Dataset:
    random = np.random.default_rng(1)
    values = 1e3 + random.normal(size=(2, 500, entries)) * np.logspace(-6, 6, entries)
    return xr.Dataset(
        {
            "some": ((*SAMPLE, "entry_of"), values),
            "one": (SAMPLE, random.normal(size=(2, 500))),
            "fixed": ((*SAMPLE, "of_two"), np.broadcast_to([0.1, -7.0], (2, 500, 2))),
        }
    )


def test_a_draw_moves_by_half_a_step_at_most():
    for entries, steps in ((3, FINE), (MANY, COARSE)):
        draws = drawn(entries)
        again = unpack(pack(draws))
        assert set(again) == set(draws)
        sd = draws["some"].std(SAMPLE)
        moved = np.abs(again["some"] - draws["some"]).max(SAMPLE)
        assert (moved > 0).all(), "nothing was rounded"
        assert (moved <= sd / steps / 2).all()
        assert np.array_equal(again["fixed"], draws["fixed"])
        assert again["some"].dims == draws["some"].dims
        assert again["some"].values.flags.c_contiguous


def test_rounding_again_changes_nothing():
    once = unpack(pack(drawn()))
    again = unpack(pack(once))
    # The step follows the standard deviation, which rounding moves by next to nothing.
    for name in once:
        assert np.array_equal(once[name], again[name]), name


def test_what_16_bits_cannot_hold_stays_as_it_is():
    draws = drawn()
    wide, missing = draws["one"].copy(), draws["one"].copy()
    wide[0, 0] = 1e4  # Of 1,000 draws, so that all others are within one step of their mean.
    missing[0, 0] = np.nan
    draws = draws.assign(wide=wide, missing=missing, flag=draws["one"] > 0)
    packed = pack(draws)
    assert {"missing", "flag"} <= set(packed)
    again = unpack(packed)
    assert np.array_equal(again["missing"], missing, equal_nan=True)
    assert np.array_equal(again["flag"], draws["flag"])
    assert abs(float(again["wide"][0, 0]) - 1e4) <= float(wide.std()) / FINE


def test_deviations_of_cells_follow_from_the_rest():
    fit = fake_fit()
    rest = without_cell_effects(fit.posterior, fit._design)
    assert "cell_effect" not in rest
    again = with_cell_effects(rest, fit._design)
    np.testing.assert_allclose(again["cell_effect"], fit.posterior["cell_effect"], atol=1e-9)
    # What does not add up is not left out.
    other = fit.posterior.assign(log_effective_size=fit.posterior["log_effective_size"] + 1.0)
    assert "cell_effect" in without_cell_effects(other, fit._design)


def test_full_files_keep_every_digit_and_others_are_smaller(tmp_path):
    fit = fake_fit()
    small, full = fit.save(tmp_path / "small.nc"), fit.save(tmp_path / "full.nc", full=True)
    again, whole = bd.load_fit(small), bd.load_fit(full)
    assert set(again.posterior) == set(fit.posterior) == set(whole.posterior)
    for name in fit.posterior.data_vars:
        assert np.array_equal(whole.posterior[name], fit.posterior[name]), name
    rates = again.posterior["growth_rate"], fit.posterior["growth_rate"]
    assert np.abs(rates[0] - rates[1]).max() < rates[1].std() / FINE
    # Saved once more, the same draws.
    third = bd.load_fit(again.save(tmp_path / "third.nc"))
    assert np.array_equal(third.posterior["growth_rate"], again.posterior["growth_rate"])
