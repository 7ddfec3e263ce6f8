"""Tables, files and figures of studies, from figures that are known."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure

import bayesdense as bd
from bayesdense.errors import BayesdenseError
from bayesdense.studies import Study
from bayesdense.studies.study import FORMAT, TAKEN
from tests.studies.fake import FAILED, crossed, outcome, single

MONTHS = 12 * np.log(2)


def test_a_row_is_the_doubling_time_of_its_draws():
    study = single()
    table = study.summary()
    assert table["size"].tolist() == ["total", "active", "total"]
    draws = study.growth_draws()[1]
    row = table.iloc[1]
    assert row["median"] == pytest.approx(MONTHS / np.median(draws))
    assert row["lower"] == pytest.approx(MONTHS / np.quantile(draws, 0.95))
    assert row["upper"] == pytest.approx(MONTHS / np.quantile(draws, 0.05))
    narrow = study.summary(prob=0.5).iloc[1]
    assert row["lower"] < narrow["lower"] < narrow["upper"] < row["upper"]
    assert table["reason"].tolist() == ["", "", "3 draws diverged"]
    by_benchmark = study.by_benchmark()
    sums = by_benchmark[by_benchmark["benchmark"] == "sums"]
    assert sums["median"].iloc[0] == pytest.approx(
        MONTHS / np.median(study.growth_draws()[0] + 0.3)
    )


def test_a_failed_fit_is_a_row_with_its_reason():
    study = single(at1=FAILED)
    row = study.summary().iloc[1]
    assert np.isnan(row["median"]) and not row["trusted"] and row["reason"] == FAILED["reason"]
    assert len(study.growth_draws()[1]) == 0
    assert "no target is left" in repr(study)
    assert "3 draws diverged" in repr(study)


def test_the_share_of_intervals_that_hold_a_time():
    study = single()
    table = study.summary()
    inside = ((table["lower"] <= 3.3) & (table["upper"] >= 3.3)).sum()
    found = study.share_holding((3.3, 100.0)).set_index("months")
    assert found.loc[3.3, "holding"] == inside and found.loc[100.0, "share"] == 0


def test_a_decomposition_by_hand():
    """Effects 0.6 of size and 0, 0.1, 0.3 of form, which add up exactly."""
    table = crossed().decomposition().set_index("source")
    of_size = 0.3**2
    of_form = float(np.var([0.0, 0.1, 0.3]))
    assert table.loc["size", "variance"] == pytest.approx(of_size, rel=1e-6)
    assert table.loc["form", "variance"] == pytest.approx(of_form, rel=1e-6)
    assert table.loc["size", "share"] == pytest.approx(of_size / (of_size + of_form), rel=1e-6)
    assert table.loc["choices together", "share"] == pytest.approx(0.0, abs=1e-9)
    assert table.loc["within a specification", "variance"] == pytest.approx(0.04, rel=0.2)


def test_choices_that_do_not_add_up_show_as_choices_together():
    """Growth is higher by 1 in one of six places: what single choices leave of it, by hand."""
    study = crossed({}, at5=outcome(3.4))
    table = study.decomposition().set_index("source")
    rest = np.zeros((2, 3))
    rest[1, 2] = 1.0
    left = rest - rest.mean(0) - rest.mean(1)[:, None] + rest.mean()
    assert table.loc["choices together", "variance"] == pytest.approx((left**2).mean(), rel=1e-6)


def test_a_decomposition_goes_around_what_failed():
    table = crossed(at5=FAILED).decomposition().set_index("source")
    assert table.loc["choices together", "share"] == pytest.approx(0.0, abs=1e-9)
    assert table.loc["size", "share"] > table.loc["form", "share"]
    with pytest.raises(BayesdenseError, match="cross=True"):
        single().decomposition()


def test_a_study_is_the_same_after_writing_and_reading(tmp_path):
    study = crossed(at2=FAILED)
    file = study.save(tmp_path / "study.json")
    again = Study.load(file)
    assert again == study
    assert again.summary().equals(study.summary())
    with pytest.raises(BayesdenseError, match="does not exist"):
        study.save(tmp_path / "no" / "study.json")
    for text in ("nothing", "[]", json.dumps({"bayesdense_study": 99})):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(BayesdenseError, match="not a study"):
            Study.load(tmp_path / "other.json")
    with pytest.raises(BayesdenseError, match="cannot read"):
        Study.load(tmp_path / "missing.json")


@pytest.mark.parametrize("make", [single, crossed])
def test_a_study_is_drawn(make, tmp_path):
    study = make(at1=FAILED)
    function = bd.plots.specification_curve if study.crossed else bd.plots.sensitivity
    figure, ax = function(study, prob=0.8)
    figure.savefig(tmp_path / "study.png")
    assert figure.axes == [ax]
    said = ax.get_xlabel() + ax.get_title(loc="left") + ax.get_title()
    assert "80 % equal-tailed interval" in said
    own = Figure(figsize=(7, 4)).add_subplot()
    assert function(study, ax=own)[1] is own
    with pytest.raises(BayesdenseError, match="prob"):
        function(study, prob=80)


def test_no_interval_is_cut_at_its_lower_end():
    wide = outcome(2.2)
    wide["rates"][-1]["draws"] = list(np.random.default_rng(1).normal(2.2, 1.0, 401))
    study = single(at0=wide)
    lowest = study.summary()["new_lower"].min()
    # Lower than those over these benchmarks, to which the axis was once fitted.
    assert lowest < 0.9 * study.summary()["lower"].min()
    _, ax = bd.plots.sensitivity(study)
    assert ax.get_xlim()[0] < lowest


def test_a_curve_marks_what_was_chosen():
    study = crossed()
    _, ax = bd.plots.specification_curve(study)
    (matrix,) = ax.child_axes
    marks = {
        label.get_text(): line
        for label, line in zip(matrix.get_yticklabels(), matrix.lines, strict=True)
    }
    order = study.summary().sort_values("median")["size"].to_numpy()
    assert list(marks["active"].get_xdata()) == list(np.flatnonzero(order == "active"))


def test_sets_are_marked_by_what_is_in_them():
    from bayesdense.plots.specification_curve import _rows

    sets = ["all benchmarks", "A, B", "A, C", "B, C", "A"]
    assert _rows(sets) == {
        "A": {"all benchmarks", "A, B", "A, C", "A"},
        "B": {"all benchmarks", "A, B", "B, C"},
        "C": {"all benchmarks", "A, C", "B, C"},
    }
    # These are none: a name with a comma, and one left out at a time.
    for options in (["Llama-1, Llama-2", "Qwen"], ["all benchmarks", "without A", "without B"]):
        assert _rows(options) == {option: {option} for option in options}


def test_a_study_in_which_everything_failed_still_has_a_table():
    study = single(at0=FAILED, at1=FAILED, at2=FAILED)
    assert study.summary()["median"].isna().all()
    assert np.isnan(study.share_holding()["share"]).all()
    bd.plots.sensitivity(study)


def test_a_crossed_study_without_a_result_still_has_its_tables():
    study = crossed(**{f"at{i}": FAILED for i in range(6)})
    table = study.decomposition()
    assert table["share"].isna().all() and len(table) == 4
    assert np.isnan(study.share_holding()["share"]).all()
    assert study.summary()["reason"].eq(FAILED["reason"]).all()


def test_names_that_no_choice_can_have_are_the_columns_of_results():
    study = single()
    columns = {*study.summary().columns, *study.by_benchmark().columns} - set(study.choices)
    assert columns == TAKEN


def test_one_time_is_as_good_as_several():
    assert single().share_holding(3.3).equals(single().share_holding((3.3,)))


def test_a_study_file_without_its_parts_is_refused(tmp_path):
    file = tmp_path / "study.json"
    file.write_text(json.dumps({"bayesdense_study": FORMAT}))
    with pytest.raises(BayesdenseError, match="not a whole study"):
        Study.load(file)
