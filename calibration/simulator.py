"""Data simulated from the model's specification, written without any code of its models.

Symbols are those of `docs/model.md`. What is measured of what is a `Design`; what is true are
`Parameters`, by the names that the model's priors have. All that is not among them (models,
families, cells, items, sources) is drawn anew for every dataset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

import bayesdense as bd

DENSITY_SIZE = 2e10
BUDGET = 1e12
LOSS_DEGREES = 4.0

Parameters = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Design:
    """Which models there are, and what is measured of them.

    Attributes
    ----------
    models : pandas.DataFrame
        Columns ``model``, ``family``, ``release_date`` (ISO day), ``n_params``,
        ``n_tokens`` and ``is_reference``; targets first. ``developer`` and
        ``n_active`` where parameters are about these.
    benchmarks : pandas.DataFrame
        Columns ``benchmark``, ``n_items``, ``chance`` and ``loss_set``.
    measured : pandas.DataFrame
        One row for each score: ``model``, ``benchmark``, ``source``, ``harness``.
    losses : bool
        Whether references come with a loss for each benchmark.
    """

    models: pd.DataFrame
    benchmarks: pd.DataFrame
    measured: pd.DataFrame
    losses: bool = False

    @property
    def years(self) -> np.ndarray:
        """Dates of the targets, in years since their mean."""
        targets = self.models[~self.models["is_reference"]]
        days = pd.to_datetime(targets["release_date"]).to_numpy(dtype="datetime64[D]")
        count = days.astype(float)
        return np.asarray((count - count.mean()) / 365.25)


@dataclass(frozen=True)
class Simulated:
    """One dataset and what is true of it.

    Attributes
    ----------
    data : bayesdense.Dataset
        Scores within 0 and 1.
    scores : pandas.DataFrame
        The same rows with the column ``exact``, which may lie outside.
    truth : dict of str to numpy.ndarray
        True values by the name of the model's variable.
    log_size : pandas.DataFrame
        Logarithm of the effective size, a row for each model and a column for
        each benchmark.
    """

    data: bd.Dataset
    scores: pd.DataFrame
    truth: dict[str, np.ndarray]
    log_size: pd.DataFrame


@dataclass(frozen=True)
class Departures:
    """Ways in which data are not as the model assumes.

    Attributes
    ----------
    wrong_scores : float
        Share of the scores that are replaced by one between the lowest and
        the highest of their benchmark.
    size_error : float
        Standard deviation of the logarithm of a reported size.
    date_error : float
        Standard deviation of a reported date, in years.
    model_degrees : float
        Degrees of freedom of the deviations of models, whose scale stays.
    clip : bool
        Whether scores outside 0 and 1 are put at the end, as reports do.
    """

    wrong_scores: float = 0.0
    size_error: float = 0.0
    date_error: float = 0.0
    model_degrees: float = np.inf
    clip: bool = False


@dataclass
class _Ruler:
    """Scores from log sizes, as specified in sections 2 and 3."""

    p: Parameters
    losses: bool
    centre: float
    tokens_centre: float
    exponents: dict[str, np.ndarray] = field(default_factory=dict)

    def loss(self, j: int, log_size: np.ndarray, log_tokens: np.ndarray) -> np.ndarray:
        x, z = log_size - self.centre, log_tokens - self.tokens_centre
        of_size = self.p["loss_size_term"][j] * np.exp(-self.exponents["alpha"][j] * x)
        of_tokens = self.p["loss_token_term"][j] * np.exp(-self.exponents["beta"][j] * z)
        return np.asarray(of_size + of_tokens)

    def logit(self, j: int, log_size: np.ndarray) -> np.ndarray:
        if self.losses:
            loss = self.loss(j, log_size, np.full(log_size.shape, np.log(BUDGET)))
            return np.asarray(self.p["map_steepness"][j] * (self.p["map_midpoint_loss"][j] - loss))
        alpha = self.p["alpha"][j]
        bent = -np.expm1(-alpha * (log_size - self.centre)) / alpha
        return np.asarray(
            self.p["map_logit_at_centre"][j] + self.p["map_slope_at_centre"][j] * bent
        )


def simulate(
    design: Design,
    p: Parameters,
    random: np.random.Generator,
    departures: Departures | None = None,
    *,
    change_year: float = 0.0,
) -> Simulated:
    """Simulate one dataset.

    Parameters
    ----------
    design : Design
        What is measured.
    p : mapping of str to numpy.ndarray
        True parameters, by benchmark where the model has one for each.
    random : numpy.random.Generator
        Source of randomness.
    departures : Departures, optional
        In what the data differ from what the model assumes.
    change_year : float
        Where growth changes, in years since the mean date, if `p` has
        ``growth_rate_change``.

    Returns
    -------
    Simulated
    """
    how = departures or Departures()
    models = design.models
    reference = models["is_reference"].to_numpy()
    n, n_targets, count = len(models), int((~reference).sum()), len(design.benchmarks)
    log_size = _log_sizes(models, p)
    log_tokens = np.log(models["n_tokens"].to_numpy(dtype=float))
    years, beyond = _true_years(design, p, random), log_size[:n_targets] - np.log(DENSITY_SIZE)
    truth: dict[str, np.ndarray] = {name: np.asarray(value) for name, value in p.items()}
    p = truth = truth | _around_means(p, design, random)
    ruler = _Ruler(p, design.losses, log_size[reference].mean(), log_tokens[reference].mean())
    if design.losses:
        ruler.exponents = {
            name: np.exp(p[f"{name}_mean"] + p[f"{name}_sd"] * random.standard_normal(count))
            for name in ("alpha", "beta")
        }
        truth |= ruler.exponents
        ruler.p = truth

    def zero_sum(sd: float) -> np.ndarray:
        effects = sd * random.standard_normal(count)
        return np.asarray(effects - effects.mean())

    offsets = {"benchmark_offset": zero_sum(float(p.get("benchmark_offset_sd", 1.0)))}
    offsets["growth_rate_by_benchmark"] = zero_sum(float(p["growth_rate_sd"]))
    if "growth_rate_beside" in p:
        # Known differences of growth, in the place of random ones.
        known = p["growth_rate_beside"]
        offsets["growth_rate_by_benchmark"] = known - known.mean()
    offsets["size_slope_by_benchmark"] = zero_sum(float(p["size_slope_sd"]))
    truth |= {"benchmark_offset": offsets["benchmark_offset"]}
    for name in ("growth_rate", "size_slope"):
        truth[f"{name}_by_benchmark"] = p[name] + offsets[f"{name}_by_benchmark"]

    density, by_benchmark = _of_groups(models[:n_targets], p, years, count, random)
    density = density + p["log_density_level"] + p["growth_rate"] * years + p["size_slope"] * beyond
    if "growth_rate_change" in p:
        density = density - p["growth_rate_change"] * np.minimum(years - change_year, 0.0)
    noise = _noise(n_targets, how.model_degrees, random)
    if "frontier_total_sd" in p:
        noise = noise * p["frontier_total_sd"] * np.sqrt(1.0 - p["lag_share"])
        scale = p["frontier_total_sd"] * np.sqrt(p["lag_share"]) * np.exp(p["lag_trend"] * years)
        noise = noise - scale * np.abs(random.standard_normal(n_targets))
    else:
        noise = noise * p["model_effect_sd"]
    reference_family, labels = pd.factorize(models["family"][n_targets:])
    r = np.zeros(1)
    if len(labels) > 1:
        r = 0.5 * random.standard_normal(len(labels))
        r = r - r.mean()
    of_references = r[reference_family] + 0.1 * random.standard_normal(n - n_targets)
    log_density = np.concatenate([density + noise, of_references])
    truth["log_density"] = log_density

    columns, losses, sizes = [], [], {}
    for j, benchmark in enumerate(design.benchmarks["benchmark"]):
        deviation = (
            p["cell_effect_sd"][j] * np.where(reference, 0.3, 1.0) * random.standard_normal(n)
        )
        position = log_size + log_density + deviation
        beside = offsets["benchmark_offset"][j] + offsets["growth_rate_by_benchmark"][j] * years
        beside += offsets["size_slope_by_benchmark"][j] * beyond
        position[:n_targets] += beside + by_benchmark[:, j]
        sizes[benchmark] = position
        logit = ruler.logit(j, position)
        if design.losses:
            at = log_size[n_targets:], log_tokens[n_targets:]
            expected = ruler.loss(j, *at)
            scatter = p["loss_noise_sd"][j] * random.standard_t(LOSS_DEGREES, n - n_targets)
            seen = expected * np.exp(scatter)
            alpha = ruler.exponents["alpha"][j]
            fall = alpha * p["loss_size_term"][j] * np.exp(-alpha * (at[0] - ruler.centre))
            # Scores of a run are read at the loss that it has.
            above = p["map_midpoint_loss"][j] - seen
            logit[n_targets:] = p["map_steepness"][j] * (above + fall * deviation[n_targets:])
            losses.append(
                pd.DataFrame(
                    {
                        "model": models["model"][n_targets:],
                        "loss_set": design.benchmarks["loss_set"].iloc[j],
                        "loss": seen,
                        "unit": "nats per token",
                    }
                )
            )
        rows = design.measured[design.measured["benchmark"] == benchmark]
        columns.append(_scores(rows, j, logit, design, p, random))
    scores = pd.concat(columns)
    if how.wrong_scores:
        wrong = random.uniform(size=len(scores)) < how.wrong_scores
        ends = scores.groupby("benchmark")["exact"]
        anywhere = random.uniform(ends.transform("min"), ends.transform("max"))
        scores["exact"] = np.where(wrong, anywhere, scores["exact"])
    scores["score"] = scores["exact"].clip(0.0, 1.0)
    if how.clip:
        scores["exact"] = scores["score"]
    data = bd.Dataset.from_frames(
        name="simulated",
        models=_reported(models, n_targets, how, random),
        benchmarks=design.benchmarks,
        scores=scores.drop(columns="exact"),
        losses=pd.concat(losses) if losses else None,
    )
    return Simulated(data, scores, truth, pd.DataFrame(sizes, index=models["model"]))


def _log_sizes(models: pd.DataFrame, p: Parameters) -> np.ndarray:
    """Return the logarithms of sizes, between total and active ones where these have a weight."""
    total = np.log(models["n_params"].to_numpy(dtype=float))
    if "active_weight" not in p:
        return total
    active = np.log(models["n_active"].to_numpy(dtype=float))
    return np.asarray((1.0 - p["active_weight"]) * total + p["active_weight"] * active)


def _true_years(design: Design, p: Parameters, random: np.random.Generator) -> np.ndarray:
    """Return when targets were released; reported dates are those of the design."""
    if "date_sd" not in p:
        return design.years
    # Models of a family and a day are wrong together.
    targets = design.models[~design.models["is_reference"]]
    release, releases = pd.factorize(targets["family"] + targets["release_date"])
    error = p["date_sd"] * random.standard_normal(len(releases))
    return np.asarray(design.years + error[release])


def _around_means(
    p: Parameters, design: Design, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return what benchmarks have around a common mean."""
    count = len(design.benchmarks)
    names = ["cell_effect_sd"] if design.losses else ["alpha", "cell_effect_sd"]
    return {
        name: np.exp(p[f"{name}_mean"] + p[f"{name}_sd"] * random.standard_normal(count))
        for name in names
        if f"{name}_mean" in p
    }


def _of_groups(
    targets: pd.DataFrame,
    p: Parameters,
    years: np.ndarray,
    count: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what families and developers add to log density, and to it on each benchmark."""
    family, families = pd.factorize(targets["family"])
    f = p["family_effect_sd"] * random.standard_normal(len(families))
    f2 = p["family_benchmark_effect_sd"] * random.standard_normal((len(families), count))
    density, by_benchmark = f[family], f2[family]
    if "within_family_growth" in p:
        mean = pd.Series(years).groupby(family).transform("mean").to_numpy()
        density = density + p["within_family_growth"] * (years - mean)
    if "developer_effect_sd" in p:
        developer, developers = pd.factorize(targets["developer"])
        h = p["developer_effect_sd"] * random.standard_normal(len(developers))
        h2 = p["developer_benchmark_effect_sd"] * random.standard_normal((len(developers), count))
        density, by_benchmark = density + h[developer], by_benchmark + h2[developer]
    return density, by_benchmark


def _scores(
    rows: pd.DataFrame,
    j: int,
    logit: np.ndarray,
    design: Design,
    p: Parameters,
    random: np.random.Generator,
) -> pd.DataFrame:
    """Return the scores of one benchmark, as section 5 has them."""
    model = pd.Index(design.models["model"]).get_indexer(pd.Index(rows["model"]))
    harness, names = pd.factorize(rows["harness"], sort=True)
    eta = p["harness_offset_sd"][j] * random.standard_normal(len(names))
    # With one harness there is nothing that it could differ from.
    eta = eta - eta.mean()
    span = (1.0 - p["map_floor"][j]) * p["ceiling_share"][j]
    latent = p["map_floor"][j] + span / (1.0 + np.exp(-logit))
    items = float(design.benchmarks["n_items"].iloc[j])
    item = np.sqrt(latent * (1.0 - latent) / items) * random.standard_normal(len(latent))
    mean = p["map_floor"][j] + span / (1.0 + np.exp(-logit[model] - eta[harness]))
    noise = p["source_noise_sd"][j] * np.ones(len(latent))
    if "source_noise_exponent" in p:
        q = (4.0 * latent * (1.0 - latent) + 0.04) / 1.04
        noise *= q ** p["source_noise_exponent"][j]
        noise *= np.exp(p["source_noise_tilt"][j] * (latent - 0.5))
    exact = mean + item[model] + noise[model] * random.standard_normal(len(rows))
    return rows.assign(exact=exact)


def _noise(count: int, degrees: float, random: np.random.Generator) -> np.ndarray:
    if np.isinf(degrees):
        return random.standard_normal(count)
    return np.asarray(random.standard_t(degrees, count))


def _reported(
    models: pd.DataFrame, n_targets: int, how: Departures, random: np.random.Generator
) -> pd.DataFrame:
    """Return the models as reports have them; references are known exactly."""
    models = models.copy()
    error = np.zeros(len(models))
    error[:n_targets] = how.size_error * random.standard_normal(n_targets)
    models["n_params"] = models["n_params"] * np.exp(error)
    days = np.zeros(len(models))
    days[:n_targets] = np.round(365.25 * how.date_error * random.standard_normal(n_targets))
    dates = pd.to_datetime(models["release_date"]) + pd.to_timedelta(days, unit="D")
    return models.assign(release_date=dates.dt.strftime("%Y-%m-%d"))
