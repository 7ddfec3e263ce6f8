"""What a notebook shows: a headline, the verdict, a small table, and no text that is markup."""

from __future__ import annotations

import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.data.html import MOST_ROWS, card
from tests.fake import fake, fake_fit, tiny_dataset
from tests.studies.fake import FAILED, single


@pytest.fixture(scope="module")
def fit():
    return fake_fit()


def test_text_is_escaped_and_long_tables_are_cut():
    table = pd.DataFrame({"<b>": ["<i>"] * (MOST_ROWS + 2)})
    shown = card("a < b", "", "<script>", table=table)
    assert "<p><b>a &lt; b</b><br>&lt;script&gt;</p>" in shown
    assert "<i>" not in shown and "&lt;i&gt;" in shown
    assert "2 more rows" in shown
    assert card("nothing", table=table.head(0)) == "<p><b>nothing</b></p>"


def test_a_fit_is_never_shown_without_its_verdict(fit):
    shown = fit._repr_html_()
    assert "DensityFit of &#x27;tiny&#x27;" in shown
    assert "not to be trusted" in shown
    assert "all benchmarks" in shown and "<table" in shown


def test_a_ruler_is_shown_with_its_coefficients():
    fit = fake(bd.RulerModel(), tiny_dataset())
    shown = fit._repr_html_()
    assert "RulerFit" in shown and "not to be trusted" in shown and "alpha" in shown


@pytest.mark.parametrize("model", [bd.DensityModel(trend="frontier"), bd.RulerModel()])
def test_a_model_is_shown_with_its_equations(model):
    shown = model._repr_html_()
    assert type(model).__name__ in shown
    assert model.spec.law.name in shown and "<table" in shown


def test_checks_are_shown_with_their_figures(fit):
    report = fit.checks()
    assert "not to be trusted" in report._repr_html_()
    assert list(report.summary()) == ["check", "verdict", "text"]
    one = report["divergences"]
    assert "divergences: good" in one._repr_html_()
    copy = one.table()
    copy.loc[0, "divergences"] = 1
    assert one.table()["divergences"].tolist() == [0]


def test_data_and_studies_are_shown():
    assert "Dataset &#x27;tiny&#x27;" in tiny_dataset()._repr_html_()
    shown = single(at1=FAILED)._repr_html_()
    assert "Study of size, form" in shown and "no target is left" in shown
