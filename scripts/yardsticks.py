"""Fit the forms of the model that are worth comparing, and print one table.

Every form is one call; the table is the yardstick that a change of the model
is held against. Run with ``make yardsticks``; a form takes a minute or two.
Forms whose result is already in the output file are not fitted again.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

import bayesdense as bd

PAPER: dict[str, Any] = {
    "since": "2023-02-01",
    "base_only": True,
    "compressed": False,
    "min_benchmarks": 3,
}

# How many times the draws a form gets whose posterior is not to be trusted at first.
MORE = 3


@dataclass(frozen=True)
class Form:
    """One row of the table: a name, a ruler, the data and the model."""

    name: str
    ruler: str
    data: Callable[[], bd.Dataset]
    model: Callable[[], bd.DensityModel]


def first_edition(**options: Any) -> bd.DensityModel:
    """Return a model of the first edition, whose results the documentation has."""
    return bd.DensityModel(form="first-edition", **options)


def llama() -> bd.Dataset:
    """Return the selection of the paper's kind, read off Llama-1 and Llama-2."""
    return bd.load_dataset("densing5").select(**PAPER)


def three_families() -> bd.Dataset:
    """Return the same selection read off Llama-1, Llama-2 and Qwen1.5 together."""
    swapped = bd.load_dataset("densing5").with_reference(
        families=["Llama-1", "Llama-2", "Qwen1.5"], dense=True
    )
    return swapped.select(**PAPER)


def one_family(family: str) -> bd.Dataset:
    """Return the same selection read off one dense family, without the other Llama references."""
    data = bd.load_dataset("densing5")
    others = data.models[~data.models["is_reference"] | (data.models["family"] == family)]
    swapped = data.with_reference(families=family, dense=True)
    return swapped.select(models=others["model"].tolist(), **PAPER)


def pythia() -> bd.Dataset:
    """Return the leaderboard's models read off Pythia, on the same harness."""
    swapped = bd.load_dataset("leaderboard").with_reference(families="Pythia")
    return swapped.select(
        benchmarks=["HellaSwag", "ARC-C", "WinoGrande"], since="2022-06-01", until="2024-06-30"
    )


def leaderboard() -> bd.Dataset:
    """Return the leaderboard's models read off the losses and scores of open_lm runs."""
    borrowed = bd.load_dataset("leaderboard").with_reference(
        dataset=bd.load_dataset("openlm_redpajama")
    )
    return borrowed.select(
        benchmarks=["HellaSwag", "ARC-C", "WinoGrande"], since="2022-06-01", until="2024-06-30"
    )


def skill_of_leaderboard() -> bd.Dataset:
    """Return the leaderboard's models, all of them targets."""
    return bd.load_dataset("leaderboard").select(
        benchmarks=["HellaSwag", "ARC-C", "WinoGrande"], since="2022-06-01", until="2024-06-30"
    )


def skill() -> bd.DensityModel:
    """Return a model without a reference family."""
    return first_edition(ruler="skill")


# As good as no offset between the two families and no deviation of single references.
ON_THE_RULER: dict[str, Any] = {
    "reference_residual": 0.001,
    "priors": {"reference_family_offset": bd.Prior("Normal", mu=0.0, sigma=0.001)},
}
FORMS_OF_THE_PAGE: dict[str, dict[str, Any]] = {
    "default": {},
    "without families": {"families": False},
    "without size slope": {"size_slope": "none"},
    "pooled": {"form": "pooled"},
    "pooled with harness offsets": {"form": "pooled", "harness_offsets": True},
}

FORMS = [
    Form("default", "Llama-1, 2", llama, lambda: first_edition()),
    Form("frontier", "Llama-1, 2", llama, lambda: first_edition(trend="frontier")),
    Form("default, cut", "Llama-1, 2", llama, lambda: first_edition(ruler="cut")),
    Form(
        "default, reference families level",
        "Llama-1, 2",
        llama,
        lambda: first_edition(
            priors={"reference_family_offset": bd.Prior("Normal", mu=0.0, sigma=0.01)}
        ),
    ),
    Form("pooled", "Llama-1, 2", llama, lambda: bd.DensityModel(form="pooled")),
    Form(
        "pooled, reference families level",
        "Llama-1, 2",
        llama,
        lambda: first_edition(
            form="pooled",
            priors={"reference_family_offset": bd.Prior("Normal", mu=0.0, sigma=0.01)},
        ),
    ),
    Form(
        "pooled with harness offsets",
        "Llama-1, 2",
        llama,
        lambda: bd.DensityModel(form="pooled", harness_offsets=True),
    ),
    *(
        Form(
            f"{name}, references without residual",
            "Llama-1, 2",
            llama,
            partial(first_edition, **options, **ON_THE_RULER),
        )
        for name, options in FORMS_OF_THE_PAGE.items()
    ),
    Form("active parameters", "Llama-1, 2", llama, lambda: first_edition(size="active")),
    Form("pooled", "open_lm", leaderboard, lambda: bd.DensityModel(form="pooled", d0=1e12)),
    Form("default", "latent skill", llama, skill),
    Form("default", "latent skill, leaderboard", skill_of_leaderboard, skill),
    Form("default", "Llama-2", partial(one_family, "Llama-2"), lambda: first_edition()),
    Form("default", "Llama-1, 2 and Qwen1.5", three_families, lambda: first_edition()),
    Form("default", "Pythia", pythia, lambda: first_edition()),
    Form("default", "open_lm", leaderboard, lambda: first_edition(d0=1e12)),
    Form("default", "Qwen1.5", partial(one_family, "Qwen1.5"), lambda: first_edition()),
    Form("without families", "Llama-1, 2", llama, lambda: first_edition(families=False)),
    Form(
        "without families",
        "Qwen1.5",
        partial(one_family, "Qwen1.5"),
        lambda: first_edition(families=False),
    ),
    Form(
        "without families",
        "Qwen2.5",
        partial(one_family, "Qwen2.5"),
        lambda: first_edition(families=False),
    ),
    Form("without size slope", "Llama-1, 2", llama, lambda: first_edition(size_slope="none")),
    Form(
        "without either",
        "Llama-1, 2",
        llama,
        lambda: first_edition(families=False, size_slope="none"),
    ),
]


def measure(form: Form, *, draws: int, tune: int) -> dict[str, Any]:
    """Fit one form, again with more draws where those were too few, and return its row."""
    with warnings.catch_warnings():
        # What they say is in the table: the verdict has a column.
        warnings.simplefilter("ignore", bd.BayesdenseWarning)
        for count in (draws, MORE * draws):
            model = form.model()
            cut = model.spec.ruler == "cut"
            fit = model.fit(
                form.data(), draws=count, tune=tune, reference_posterior=cut, random_seed=1
            )
            if fit.checks().trusted:
                break
    table = fit.doubling_time()
    headline = table["estimator"].iloc[0]
    table = table[table["estimator"] == headline].set_index("benchmark")
    overall = table.loc["all benchmarks"]
    diagnostics = fit.diagnostics()
    row: dict[str, Any] = {
        "form": form.name,
        "ruler": form.ruler,
        "all": f"{overall['median']:.2f} ({overall['lower']:.2f}-{overall['upper']:.2f})",
    }
    for name in fit.data.core_benchmarks:
        if name in table.index:
            row[name] = f"{table.loc[name, 'median']:.1f}"
    return row | {
        "draws": fit.sample_stats["diverging"].size,
        "models": len(fit.data.targets),
        "R-hat": f"{diagnostics['rhat'].max():.3f}",
        "ESS": f"{diagnostics['ess'].min():.0f}",
        "divergences": int(fit.sample_stats["diverging"].sum()),
        "trusted": fit.checks().trusted,
    }


def main() -> None:
    """Fit every form that is missing from the output file and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--tune", type=int, default=1000)
    parser.add_argument("--ruler", action="append", help="only rows of this ruler; repeatable")
    parser.add_argument("--out", type=Path, default=Path("out/yardsticks.csv"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[Any, Any]] = []
    if options.out.exists():
        rows = pd.read_csv(options.out, dtype=str).to_dict("records")
    done = {(row["form"], row["ruler"]) for row in rows}
    for form in FORMS:
        wanted = options.ruler is None or form.ruler in options.ruler
        if (form.name, form.ruler) in done or not wanted:
            continue
        rows.append(measure(form, draws=options.draws, tune=options.tune))
        print(f"{form.name}, {form.ruler}: {rows[-1]['all']}", flush=True)
        pd.DataFrame(rows).to_csv(options.out, index=False)
    print(pd.DataFrame(rows).fillna("").to_string(index=False))


if __name__ == "__main__":
    main()
