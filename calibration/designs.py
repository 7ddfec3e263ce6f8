"""What is measured in simulated data: a small study, and one like the shipped `densing5`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from simulator import Design

import bayesdense as bd

SELECTION = {"since": "2023-02-01", "base_only": True, "compressed": False, "min_benchmarks": 3}
HARNESSES = ("house", "street")


def small_design(*, losses: bool = False, n_targets: int = 30, n_families: int = 8) -> Design:
    """Return thirty targets of eight families on four benchmarks, always the same.

    Parameters
    ----------
    losses : bool
        Whether references come with losses; then there are sixteen of them,
        else six.
    n_targets, n_families : int
        How many targets, and of how many families.

    Returns
    -------
    Design
    """
    random = np.random.default_rng(20260101)
    names = ["read", "know", "sums", "code"]
    if losses:
        reference_size = np.repeat([2e8, 1e9, 5e9, 2e10], 4)
        reference_tokens = reference_size * np.tile([5.0, 20.0, 80.0, 300.0], 4)
    else:
        reference_size = np.array([1e9, 3e9, 7e9, 13e9, 34e9, 70e9])
        reference_tokens = np.full(6, 1e12)
    day = pd.Timestamp("2023-02-01") + pd.to_timedelta(
        np.sort(random.integers(0, 880, n_targets)), unit="D"
    )
    targets = pd.DataFrame(
        {
            "model": [f"target {i}" for i in range(n_targets)],
            "family": [
                f"family {i}" for i in random.permutation(np.arange(n_targets) % n_families)
            ],
            "release_date": day.strftime("%Y-%m-%d"),
            "n_params": np.round(10 ** random.uniform(9, 11, n_targets), -6),
            "n_tokens": 2e12,
            "is_reference": False,
        }
    )
    references = pd.DataFrame(
        {
            "model": [f"reference {i}" for i in range(len(reference_size))],
            "family": "Reference",
            "release_date": "2023-02-01",
            "n_params": reference_size,
            "n_tokens": reference_tokens,
            "is_reference": True,
        }
    )
    models = pd.concat([targets, references], ignore_index=True)
    rows = [
        (model, benchmark, f"{harness} report", harness)
        for model in models["model"]
        for benchmark in names
        for harness in HARNESSES
        # Both harnesses measured the references, one or both of them a target.
        if model.startswith("reference") or random.uniform() < 0.7
    ]
    benchmarks = pd.DataFrame(
        {
            "benchmark": names,
            "n_items": [5000, 10000, 1300, 500],
            "chance": [0.25, 0.25, 0.04, 0.04],
            "loss_set": [f"{name} loss" if losses else name for name in names],
        }
    )
    measured = pd.DataFrame(rows, columns=["model", "benchmark", "source", "harness"])
    return Design(models, benchmarks, measured, losses)


def with_developers(design: Design) -> Design:
    """Return a design whose families have developers, two each, and some of whose models mix.

    Parameters
    ----------
    design : Design
        With families that end in a number.

    Returns
    -------
    Design
        Every third target is a mixture whose active parameters are a fifth.
    """
    models = design.models.copy()
    target = ~models["is_reference"]
    number = models.loc[target, "family"].str.rpartition(" ")[2].astype(int)
    models["developer"] = models["family"]
    models.loc[target, "developer"] = "developer " + (number // 2).astype(str)
    models["n_active"] = models["n_params"]
    mixed = models.index[target][::3]
    models.loc[mixed, "n_active"] = models.loc[mixed, "n_params"] / 5
    return Design(models, design.benchmarks, design.measured, design.losses)


def densing5_design() -> Design:
    """Return models, dates, sizes, families, sources and harnesses of `densing5`.

    Returns
    -------
    Design
        As ``bayesdense fit densing5`` selects them, without the scores.
    """
    data = bd.load_dataset("densing5").select(**SELECTION)
    columns = ["model", "family", "developer", "release_date", "n_params", "is_reference"]
    models = data.models.sort_values("is_reference", kind="stable")[columns]
    models = models.assign(
        release_date=models["release_date"].dt.strftime("%Y-%m-%d"), n_tokens=1e12
    )
    core = data.core_benchmarks
    benchmarks = data.benchmarks.set_index("benchmark").loc[core].reset_index()
    measured = data.scores[data.scores["benchmark"].isin(core)]
    return Design(
        models.reset_index(drop=True),
        benchmarks[["benchmark", "n_items", "chance", "loss_set"]],
        measured[["model", "benchmark", "source", "harness"]].reset_index(drop=True),
    )


def wide_design(n_models: int, n_benchmarks: int = 6, *, seed: int = 1) -> Design:
    """Return a study of any size, for measuring how cost grows.

    Parameters
    ----------
    n_models : int
        Number of targets, in families of about four.
    n_benchmarks : int
        Number of benchmarks.
    seed : int
        Source of randomness.

    Returns
    -------
    Design
    """
    random = np.random.default_rng(seed)
    names = [f"benchmark {j}" for j in range(n_benchmarks)]
    sizes = np.array([1e9, 3e9, 7e9, 13e9, 34e9, 70e9])
    day = pd.Timestamp("2023-02-01") + pd.to_timedelta(
        np.sort(random.integers(0, 880, n_models)), unit="D"
    )
    targets = pd.DataFrame(
        {
            "model": [f"target {i}" for i in range(n_models)],
            "family": [
                f"family {i}" for i in random.integers(max(2, n_models // 4), size=n_models)
            ],
            "release_date": day.strftime("%Y-%m-%d"),
            "n_params": 10 ** random.uniform(9, 11, n_models),
            "n_tokens": 2e12,
            "is_reference": False,
        }
    )
    references = pd.DataFrame(
        {
            "model": [f"reference {i}" for i in range(len(sizes))],
            "family": "Reference",
            "release_date": "2023-02-01",
            "n_params": sizes,
            "n_tokens": 1e12,
            "is_reference": True,
        }
    )
    models = pd.concat([targets, references], ignore_index=True)
    keep = random.uniform(size=(len(models), n_benchmarks, 2)) < 0.7
    keep[n_models:] = True
    model, benchmark, harness = np.nonzero(keep)
    measured = pd.DataFrame(
        {
            "model": models["model"].to_numpy()[model],
            "benchmark": np.array(names)[benchmark],
            "source": np.array([f"{h} report" for h in HARNESSES])[harness],
            "harness": np.array(HARNESSES)[harness],
        }
    )
    benchmarks = pd.DataFrame(
        {
            "benchmark": names,
            "n_items": np.resize([5000, 10000, 1300, 500, 3000, 2000], n_benchmarks),
            "chance": np.resize([0.25, 0.25, 0.04, 0.04, 0.25, 0.1], n_benchmarks),
            "loss_set": names,
        }
    )
    return Design(models, benchmarks, measured)
