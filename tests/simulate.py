"""Simulated datasets with known parameters, written without any code of the package's models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesdense.data import Dataset

KINDS = ("scores only", "losses and scores", "some of each")
DENSITY_SIZE = 2e10
MONTHS = 12 * np.log(2)


@dataclass
class Truth:
    """Parameters that data are simulated from, in the symbols of docs/model.md."""

    growth: float = 1.8
    # Growth is slower by `change` before the year `change_at`, counted from 2024-06-01.
    change: float = 0.0
    change_at: float = 0.0
    growth_by_benchmark: tuple[float, ...] = (0.5, -0.1, -0.4)
    level: float = 0.3
    level_by_benchmark: tuple[float, ...] = (0.2, -0.3, 0.1)
    size_slope: float = 0.05
    size_slope_by_benchmark: tuple[float, ...] = (0.1, -0.15, 0.05)
    sigma_v: float = 0.4
    sigma_f: float = 0.5
    sigma_fj: float = 0.2
    tau: tuple[float, ...] = (0.4, 0.3, 0.35)
    phi: tuple[float, ...] = (0.01, 0.02, 0.015)
    eta: tuple[float, ...] = (-0.1, 0.1)
    floor: tuple[float, ...] = (0.25, 0.05, 0.25)
    ceiling: tuple[float, ...] = (0.95, 0.95, 0.9)
    alpha: float = 0.25
    beta: float = 0.35
    a: float = 1.6
    b: float = 0.5
    gamma: tuple[float, ...] = (1.6, 2.2, 1.8)
    midpoint: tuple[float, ...] = (1.7, 1.5, 1.9)
    sigma_loss: float = 0.01
    # Targets do better on a benchmark than their size says, by this times the square of
    # how far they are above DENSITY_SIZE: no model has a term for it.
    bend: tuple[float, ...] = (0.0, 0.0, 0.0)
    budget: float = 1e12
    items: tuple[int, ...] = (5000, 1000, 3000)
    benchmarks: tuple[str, ...] = ("know", "sums", "read")


def simulate(
    kind: str,
    *,
    seed: int,
    truth: Truth | None = None,
    n_targets: int = 60,
    n_families: int = 20,
    reference_sizes: np.ndarray | None = None,
    record: dict | None = None,
) -> Dataset:
    """Simulate one dataset; `kind` says what the references come with.

    The log densities of the targets are put into `record`.
    """
    t = Truth() if truth is None else truth
    random = np.random.default_rng(seed)
    count = len(t.benchmarks)
    with_losses = {
        "scores only": np.zeros(count, bool),
        "losses and scores": np.ones(count, bool),
        "some of each": np.arange(count) < 2,
    }[kind]

    if kind == "scores only":
        reference_size = np.array([1e9, 3e9, 7e9, 13e9, 34e9, 70e9])
        if reference_sizes is not None:
            reference_size = reference_sizes
        reference_tokens = np.full(len(reference_size), t.budget)
    else:
        sizes = np.array([2e8, 4e8, 1e9, 3e9, 7e9, 2e10])
        ratio = np.array([5.0, 20.0, 100.0])
        reference_size = np.repeat(sizes, 3)
        reference_tokens = reference_size * np.tile(ratio, 6)
    n_references = len(reference_size)
    centre_size = np.exp(np.log(reference_size).mean())
    centre_tokens = np.exp(np.log(reference_tokens).mean())

    def loss(log_size, tokens):
        size_part = t.a * np.exp(-t.alpha * (log_size - np.log(centre_size)))
        return size_part + t.b * (tokens / centre_tokens) ** -t.beta

    family = random.integers(n_families, size=n_targets)
    size = 10 ** random.uniform(9, 11, n_targets)
    years = np.sort(random.uniform(-1.2, 1.2, n_targets))
    lean = np.log(size / DENSITY_SIZE)
    density = t.level + t.growth * years + t.size_slope * lean
    density -= t.change * np.minimum(years - t.change_at, 0.0)
    density += random.normal(0, t.sigma_f, n_families)[family]
    density += random.normal(0, t.sigma_v, n_targets)
    if record is not None:
        record |= {f"target {i}": value for i, value in enumerate(density)}
    shared = random.normal(0, t.sigma_fj, (n_families, count))
    reference_density = random.normal(0, 0.1, n_references)

    rows, losses = [], []
    models = [f"target {i}" for i in range(n_targets)]
    references = [f"reference {i}" for i in range(n_references)]
    for j, benchmark in enumerate(t.benchmarks):
        extra = t.level_by_benchmark[j] + t.growth_by_benchmark[j] * years
        extra = extra + t.size_slope_by_benchmark[j] * lean + shared[family, j]
        log_sizes = np.concatenate(
            [
                np.log(size) + density + extra + random.normal(0, t.tau[j], n_targets),
                np.log(reference_size)
                + reference_density
                + random.normal(0, 0.3 * t.tau[j], n_references),
            ]
        )
        above = np.maximum(log_sizes[:n_targets] - np.log(DENSITY_SIZE), 0.0)
        log_sizes[:n_targets] += t.bend[j] * above**2
        tokens = np.concatenate([np.full(n_targets, t.budget), reference_tokens])
        if not with_losses[j]:
            tokens = np.full(len(tokens), t.budget)
        reached = loss(log_sizes, tokens)
        if with_losses[j]:
            # A run's scores come from the loss that it has, not from what the law expects.
            exact = loss(np.log(reference_size), reference_tokens)
            noisy = exact * np.exp(t.sigma_loss * random.standard_t(4, n_references))
            fall = t.a * t.alpha * (reference_size / centre_size) ** -t.alpha
            deviation = random.normal(0, 0.3 * t.tau[j], n_references)
            reached[n_targets:] = noisy - fall * deviation
            losses += [
                (name, f"{benchmark} loss", value, "nats per token")
                for name, value in zip(references, noisy, strict=True)
            ]
        logit = t.gamma[j] * (t.midpoint[j] - reached)
        span = (1 - t.floor[j]) * t.ceiling[j]
        latent = t.floor[j] + span / (1 + np.exp(-logit))
        item = random.normal(0, np.sqrt(latent * (1 - latent) / t.items[j]))
        for m, name in enumerate([*models, *references]):
            for h, harness in enumerate(("house", "street")):
                # References are measured by both, targets by one or both.
                if m < n_targets and random.uniform() < 0.35:
                    continue
                mean = t.floor[j] + span / (1 + np.exp(-logit[m] - t.eta[h]))
                score = mean + item[m] + random.normal(0, t.phi[j])
                rows.append((name, benchmark, f"{harness} report", harness, np.clip(score, 0, 1)))

    days = pd.Timestamp("2024-06-01") + pd.to_timedelta(np.round(years * 365.25), unit="D")
    table = pd.DataFrame(
        {
            "model": [*models, *references],
            "family": [f"family {f}" for f in family] + ["Reference"] * n_references,
            "release_date": [d.strftime("%Y-%m-%d") for d in days] + ["2023-06-01"] * n_references,
            "n_params": [*size, *reference_size],
            "n_tokens": [*np.full(n_targets, 2e12), *reference_tokens],
            "is_reference": [False] * n_targets + [True] * n_references,
        }
    )
    return Dataset.from_frames(
        name=f"simulated, {kind}",
        models=table,
        benchmarks=pd.DataFrame(
            {
                "benchmark": t.benchmarks,
                "n_items": t.items,
                "chance": [0.25, 0.04, 0.25],
                "loss_set": [
                    f"{name} loss" if known else name
                    for name, known in zip(t.benchmarks, with_losses, strict=True)
                ],
            }
        ),
        scores=pd.DataFrame(rows, columns=["model", "benchmark", "source", "harness", "score"]),
        losses=pd.DataFrame(losses, columns=["model", "loss_set", "loss", "unit"])
        if losses
        else None,
    )


def with_developers(data: Dataset) -> Dataset:
    """Return the dataset with two families of one developer and all others of another."""
    family, _ = pd.factorize(data.models["family"])
    developer = np.where(family < 2, "One", "Other")
    developer = np.where(data.models["is_reference"], "Third", developer)
    return _with(data, models=data.models.assign(developer=developer))


def with_losses_of_one_benchmark(data: Dataset) -> Dataset:
    """Return the dataset with its first loss set: other benchmarks have scores only."""
    sets = data.losses["loss_set"]
    return _with(data, losses=data.losses[sets.eq(sets.iloc[0])])


def _with(data: Dataset, **tables: pd.DataFrame) -> Dataset:
    own = {
        "models": data.models,
        "benchmarks": data.benchmarks,
        "scores": data.scores,
        "losses": data.losses if len(data.losses) else None,
    }
    return Dataset.from_frames(**own | tables)
