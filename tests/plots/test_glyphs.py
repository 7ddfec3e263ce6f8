"""Names in other scripts, and with signs that mean something to Matplotlib."""

import warnings

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import bayesdense as bd
from bayesdense.plots import glyphs
from tests.fake import fake_fit, tiny_dataset

NAMES = {
    "New-0": "书生-7B",
    "New-1": "a$b$c_{x",
    "New-2": "ГигаЧат-é",
    "New-7": "🦙-8B",
    "MATH": "中文基准/BBH",
}


@pytest.fixture(scope="module")
def fit():
    data = tiny_dataset()
    columns = {
        "models": ["model", "family", "release_date", "n_params", "is_reference"],
        "benchmarks": ["benchmark", "n_items", "chance"],
        "scores": ["model", "benchmark", "score"],
    }
    frames = {name: getattr(data, name)[used].replace(NAMES) for name, used in columns.items()}
    return fake_fit("linear", bd.Dataset.from_frames(**frames, name="tiny"))


@pytest.mark.parametrize("name", ["trend", "density", "calibration"])
@pytest.mark.parametrize("own_axes", [False, True])
def test_no_figure_warns_or_has_empty_boxes(fit, tmp_path, monkeypatch, name, own_axes):
    # On every machine the same: no fonts but the one that comes with Matplotlib.
    monkeypatch.setattr(glyphs, "OTHERS", ())
    glyphs.families.cache_clear()
    glyphs._known.cache_clear()
    ax = Figure().add_subplot() if own_axes else None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure, _ = getattr(bd.plots, name)(fit, ax=ax)
        figure.savefig(tmp_path / "figure.png")
        figure.savefig(tmp_path / "figure.svg")
    texts = " ".join(text.get_text() for text in figure.findobj(Text))
    assert "中" not in texts and "书" not in texts
    if name == "density":
        for shown in ("??-7B", "a$b$c_{x", "ГигаЧат-é", "?-8B"):
            assert shown in texts
    if name == "calibration":
        assert "????/BBH" in texts
    glyphs.families.cache_clear()
    glyphs._known.cache_clear()


def test_an_installed_font_is_used_for_what_the_usual_one_lacks(monkeypatch):
    monkeypatch.setattr(glyphs, "OTHERS", ("STIXGeneral", "not installed"))
    glyphs.families.cache_clear()
    assert glyphs.families() == ("DejaVu Sans", "STIXGeneral")
    glyphs.families.cache_clear()


def test_diagnostics_name_cells_by_model_and_benchmark(fit):
    names = fit.diagnostics()["parameter"]
    cells = names[names.str.startswith("cell_effect[")]
    models, benchmarks = fit.data.scores["model"], fit.data.scores["benchmark"]
    pairs = pd.Series(zip(models, benchmarks, strict=True)).drop_duplicates()
    assert set(cells) == {f"cell_effect[{m}, {b}]" for m, b in pairs}
    tree = fit.to_datatree()
    assert "New-3, MMLU" in tree["posterior"]["cell"].values
    assert "New-3, MMLU" in tree["constant_data"]["cell"].values
