"""Whether trends read scores off the same ruler."""

import numpy as np
import pytest

import bayesdense as bd
from tests.fake import fake, fake_fit, tiny_dataset


def shifted(factor):
    fit = fake_fit()
    fit.posterior["alpha"] = fit.posterior["alpha"] * np.array([factor, 1.0])
    return fit


def test_exponents_that_moved_are_found():
    fits = {"linear": fake_fit(), "frontier": shifted(1.0), "smooth": shifted(5.0)}
    table = bd.studies.ruler_agreement(fits)
    assert set(table["parameter"]) == {"alpha"} and len(table) == 4
    moved = table[table["differs"]]
    assert moved["other"].tolist() == ["smooth"] and (table["apart"] > 0).sum() == 1
    # By hand: the logarithm moved by ln 5.
    logs = np.log(fits["linear"].posterior["alpha"].values[..., 0])
    row = table[table["differs"]].iloc[0]
    assert row["apart"] == pytest.approx(np.log(5) / logs.std())
    assert row["median_other"] == pytest.approx(5 * row["median_first"])


def test_a_ruler_without_exponents_has_nothing_to_compare():
    model = bd.DensityModel(law="log-linear")
    fits = {name: fake(model, tiny_dataset()) for name in ("first", "second")}
    assert not len(bd.studies.ruler_agreement(fits))


def test_other_rulers_and_single_fits_are_refused():
    other = fake(bd.DensityModel(), tiny_dataset().select(benchmarks="MMLU"))
    with pytest.raises(bd.BayesdenseError, match="'a' and 'b' have other rulers"):
        bd.studies.ruler_agreement({"a": fake_fit(), "b": other})
    with pytest.raises(bd.BayesdenseError, match="at least two fits, not 1"):
        bd.studies.ruler_agreement({"a": fake_fit()})
