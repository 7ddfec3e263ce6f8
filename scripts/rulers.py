"""Hold the ruler against real reference families, and print what comes out.

Three questions: are the largest runs of the OLMo ladder predicted by the
smaller ones, with intervals that hold; are the published constants of the
open_lm runs recovered; and what does least squares say on the same rows.
Run with ``make rulers``; a few minutes.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares
from scipy.special import expit, logit

import bayesdense as bd

LADDER = (
    ("power-sum", "sigmoid"),
    ("irreducible", "sigmoid"),
    ("over-training", "sigmoid"),
    ("kaplan-floor", "sigmoid"),
    ("irreducible", "exponential-error"),
    ("irreducible", "threshold"),
)
# Gadre et al. (arXiv 2403.08540) fitted five runs and print these constants.
PUBLISHED = {
    "loss_floor": 1.837,
    "loss_size_term": 212.0,
    "loss_token_term": 366.7,
    "compute_exponent": 0.136,
}
FIVE = [(10.6e6, 1), (78.9e6, 1), (154e6, 1), (412e6, 1), (10.6e6, 16)]
LARGEST = 5e9


def ladder() -> tuple[bd.Dataset, bd.Dataset]:
    """Return the OLMo ladder below 5e9 parameters, and all of it."""
    data = bd.load_dataset("olmo_ladder")
    return data.select(max_params=LARGEST), data


def held_out(data: bd.Dataset) -> pd.DataFrame:
    """Return losses and scores of the runs above 5e9 parameters, one row each."""
    large = data.models[data.models["n_params"] > LARGEST]
    losses = data.losses.rename(columns={"loss_set": "of", "loss": "observed"})
    scores = data.scores.rename(columns={"benchmark": "of", "score": "observed"})
    rows = pd.concat([losses.assign(quantity="loss"), scores.assign(quantity="score")])
    columns = ["model", "n_params", "n_tokens"]
    return rows.merge(large[columns], on="model")[[*columns, "of", "quantity", "observed"]]


def predict_ladder(law: str, score_map: str, *, draws: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit a law and a map below 5e9 parameters and put predictions beside what was held out.

    The second table has the spread of exponents over loss sets and the scatter of losses.
    """
    small, everything = ladder()
    fit = bd.RulerModel(law=law, score_map=score_map).fit(small, draws=draws, random_seed=1)
    rows = held_out(everything)
    runs = rows[["model", "n_params", "n_tokens"]].drop_duplicates()
    predicted = fit.predict(n_params=runs["n_params"].tolist(), n_tokens=runs["n_tokens"].tolist())
    found = rows.merge(predicted, on=["n_params", "n_tokens", "of", "quantity"])
    found["inside"] = found["observed"].between(found["lower"], found["upper"])
    diagnostics = fit.diagnostics()
    name = law if score_map == "sigmoid" else f"{law}, {score_map}"
    spread = [f"{n}_{of}" for n in fit.spec.law.exponents for of in ("mean", "sd")]
    noise = fit.parameters(names=[*spread, "loss_noise_sd"]).assign(law=name)
    return found.assign(
        law=name,
        rhat=diagnostics["rhat"].max(),
        ess=diagnostics["ess"].min(),
        divergences=int(fit.sample_stats["diverging"].sum()),
    ), noise


def misfit(data: bd.Dataset, benchmark: str) -> dict[str, Any]:
    """Return how far a least-squares sigmoid misses scores at measured and at expected losses."""
    row = data.benchmarks.set_index("benchmark").loc[benchmark]
    losses = data.losses[data.losses["loss_set"] == row["loss_set"]].set_index("model")["loss"]
    scores = data.scores[data.scores["benchmark"] == benchmark].set_index("model")["score"]
    runs = data.models.set_index("model").loc[losses.index]
    x, z = np.log(runs["n_params"].to_numpy()), np.log(runs["n_tokens"].to_numpy())
    read_at = {"measured losses": losses.to_numpy()}
    for name, floor in (("losses by eq. 2", False), ("losses by eq. 2 with a floor", True)):
        law = fit_law(x - x.mean(), z - z.mean(), losses.to_numpy(), floor=floor)
        places = zip(x - x.mean(), z - z.mean(), strict=True)
        read_at[name] = np.array([law(*place) for place in places])
    score = scores.loc[losses.index].to_numpy()
    chance, items = (float(np.asarray(row[name])) for name in ("chance", "n_items"))
    missed = {}
    for name, loss in read_at.items():
        score_map = fit_map(loss, score, chance)
        residual = score - np.array([score_map(value) for value in loss])
        missed[f"at {name}, points"] = 100 * float(np.sqrt((residual**2).mean()))
    missed["item noise, points"] = 100 * float(np.sqrt((score * (1 - score) / items).mean()))
    return {"runs": data.name, "benchmark": benchmark, "count": len(losses), **missed}


def least_squares_chain(*, floor: bool) -> pd.DataFrame:
    """Fit eq. 2 and then eq. 3 by least squares below 5e9 parameters and predict the rest."""
    small, everything = ladder()
    sizes = small.models.set_index("model")
    benchmarks = everything.benchmarks.set_index("benchmark")
    chances = dict(zip(benchmarks.index, benchmarks["chance"].tolist(), strict=True))
    rows = held_out(everything)
    predicted = []
    for benchmark in everything.core_benchmarks:
        chosen = small.losses[small.losses["loss_set"] == benchmarks.loc[benchmark, "loss_set"]]
        loss = chosen.set_index("model")["loss"]
        x = np.log(sizes.loc[loss.index, "n_params"].to_numpy())
        z = np.log(sizes.loc[loss.index, "n_tokens"].to_numpy())
        law = fit_law(x - x.mean(), z - z.mean(), loss.to_numpy(), floor=floor)
        scores = small.scores[small.scores["benchmark"] == benchmark].set_index("model")["score"]
        chance = chances[benchmark]
        score_map = fit_map(loss.to_numpy(), scores.loc[loss.index].to_numpy(), chance)
        for run in rows[["n_params", "n_tokens"]].drop_duplicates().to_dict("records"):
            at = law(np.log(run["n_params"]) - x.mean(), np.log(run["n_tokens"]) - z.mean())
            for quantity, value in (("loss", at), ("score", score_map(at))):
                predicted.append({**run, "of": benchmark, "quantity": quantity, "median": value})
    found = rows.merge(pd.DataFrame(predicted), on=["n_params", "n_tokens", "of", "quantity"])
    return found.assign(law=f"least squares, eq. 2{' with a floor' if floor else ''} and 3")


def fit_law(x: np.ndarray, z: np.ndarray, loss: np.ndarray, *, floor: bool) -> Any:
    """Return the loss law that fits ``ln L`` best, as a function of centred x and z."""

    def value(p: np.ndarray, x: Any, z: Any) -> Any:
        rest = np.exp(p[4]) if floor else 0.0
        return rest + np.exp(p[0] - np.exp(p[1]) * x) + np.exp(p[2] - np.exp(p[3]) * z)

    def residual(p: np.ndarray) -> np.ndarray:
        return np.asarray(np.log(value(p, x, z) / loss))

    best = None
    share = np.log(loss.mean() / (3.0 if floor else 2.0))
    for exponent in (0.1, 0.3):
        start = [share, np.log(exponent), share, np.log(exponent), share]
        found = least_squares(residual, start[: 5 if floor else 4])
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    parameters = best.x
    return lambda x, z: float(value(parameters, x, z))


def fit_map(loss: np.ndarray, score: np.ndarray, chance: float) -> Any:
    """Return the sigmoid that fits the scores best, floor and ceiling between chance and 1."""

    def value(p: np.ndarray, loss: Any) -> Any:
        floor = chance + (score.max() - chance) * expit(p[0]) * 0.999
        ceiling = floor + (1.0 - floor) * expit(p[3])
        return floor + (ceiling - floor) * expit(np.exp(p[1]) * (p[2] - loss))

    def residual(p: np.ndarray) -> np.ndarray:
        return np.asarray(value(p, loss) - score)

    best = None
    for steep in (1.0, 4.0, 12.0):
        for ceiling in (0.7, 0.95):
            start = [-3.0, np.log(steep / loss.mean()), np.quantile(loss, 0.2), logit(ceiling)]
            found = least_squares(residual, start)
            if best is None or found.cost < best.cost:
                best = found
    assert best is not None
    parameters = best.x
    return lambda loss: float(value(parameters, loss))


def open_lm(*, draws: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit the over-training law to the C4 losses of five runs and of all open_lm runs."""
    data = bd.load_dataset("openlm_redpajama")
    losses = data.losses[data.losses["loss_set"] == "c4_val"].set_index("model")["loss"]
    runs = data.models[["model", "n_params", "n_tokens"]].assign(
        loss=losses.reindex(data.models["model"]).to_numpy()
    )
    runs = runs.dropna(subset="loss")
    large = runs.sort_values("n_params").iloc[-1]
    chosen = [
        runs.loc[
            (
                np.abs(np.log(runs["n_params"] / size))
                + np.abs(np.log(runs["n_tokens"] / runs["n_params"] / (20 * ratio)))
            ).idxmin()
        ]
        for size, ratio in FIVE
    ]
    tables, predictions = [], []
    for name, rows in (
        ("five runs", pd.DataFrame(chosen)),
        ("all but the largest", runs[runs["model"] != large["model"]]),
        ("all", runs),
    ):
        subset = bd.Dataset.from_losses(rows, loss_set="c4_val", name=name)
        fit = bd.RulerModel(law="over-training").fit(subset, draws=draws, random_seed=1)
        diagnostics = fit.diagnostics()
        coefficients = fit.coefficients(at="one")
        tables.append(
            coefficients.assign(
                runs=f"{name} ({len(rows)})",
                least_squares=coefficients["coefficient"].map(over_training(rows)),
                rhat=diagnostics["rhat"].max(),
                ess=diagnostics["ess"].min(),
            )
        )
        predicted = fit.predict(n_params=large["n_params"], n_tokens=large["n_tokens"])
        predictions.append(predicted.assign(runs=name, observed=large["loss"]))
    table = pd.concat(tables)
    table["published"] = table["coefficient"].map(PUBLISHED)
    return table, pd.concat(predictions)


def over_training(runs: pd.DataFrame) -> dict[str, float]:
    """Return the over-training law by least squares on the logarithm of the loss."""
    ratio = (runs["n_tokens"] / runs["n_params"]).to_numpy()
    compute = (6 * runs["n_tokens"] * runs["n_params"]).to_numpy()
    loss = runs["loss"].to_numpy()

    def residual(p: np.ndarray) -> np.ndarray:
        e, a, b, eta = np.exp(p)
        return np.asarray(np.log((e + (a * ratio**eta + b * ratio**-eta) * compute**-eta) / loss))

    found = least_squares(residual, np.log([1.5, 150.0, 250.0, 0.13]))
    return dict(
        zip(
            ("loss_floor", "loss_size_term", "loss_token_term", "compute_exponent"),
            np.exp(found.x),
            strict=True,
        )
    )


def main() -> None:
    """Fit, print, and write the tables as CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("out/rulers"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pd.set_option("display.width", 180, "display.max_columns", 30)
    warnings.simplefilter("ignore", bd.BayesdenseWarning)

    chains = [least_squares_chain(floor=floor) for floor in (False, True)]
    fitted = [predict_ladder(*parts, draws=options.draws) for parts in LADDER]
    everything = pd.concat([*chains, *(found for found, _ in fitted)])
    noise = pd.concat([found for _, found in fitted])
    noise.to_csv(options.out / "ladder_noise.csv", index=False)
    everything.to_csv(options.out / "ladder.csv", index=False)
    rows = []
    for (law, quantity), part in everything.groupby(["law", "quantity"], sort=False):
        error = (part["median"] - part["observed"]).abs()
        scale = part["observed"] if quantity == "loss" else 1.0
        rows.append(
            {
                "law": law,
                "quantity": quantity,
                "inside": ""
                if "inside" not in part or part["inside"].isna().all()
                else f"{int(part['inside'].sum())} of {len(part)}",
                "median width": (part["upper"] - part["lower"]).median(),
                "mean error, %": 100 * (error / scale).mean(),
                "R-hat": part["rhat"].max(),
                "ESS": part["ess"].min(),
                "divergences": part["divergences"].max(),
            }
        )
    print("OLMo ladder: OLMo-2 7B and 13B predicted from the runs below 5e9 parameters, 90 %")
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda v: f"{v:.3f}"))

    print("\nSpread of exponents over loss sets, and scatter of losses around the law")
    columns = ["law", "parameter", "of", "median", "lower", "upper"]
    print(noise[columns].to_string(index=False, float_format=lambda v: f"{v:.3f}"))

    small, _ = ladder()
    missed = [misfit(small, "HellaSwag")]
    missed.append(misfit(bd.load_dataset("openlm_redpajama"), "HellaSwag"))
    print("\nHow far a sigmoid by least squares misses the scores of the runs")
    print(pd.DataFrame(missed).to_string(index=False, float_format=lambda v: f"{v:.2f}"))

    table, predictions = open_lm(draws=options.draws)
    table.to_csv(options.out / "open_lm.csv", index=False)
    predictions.to_csv(options.out / "open_lm_largest.csv", index=False)
    columns = ["runs", "coefficient", "median", "lower", "upper", "least_squares", "published"]
    print("\nopen_lm, C4 validation loss, over-training law at N = D = 1")
    print(
        table[[*columns, "rhat", "ess"]].to_string(index=False, float_format=lambda v: f"{v:.4g}")
    )
    print("\nThe largest run")
    columns = ["runs", "n_params", "n_tokens", "median", "lower", "upper", "observed"]
    print(predictions[columns].to_string(index=False, float_format=lambda v: f"{v:.4g}"))


if __name__ == "__main__":
    main()
