"""Can this posterior be trusted? Diagnostics with a verdict, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesdense.posterior.diagnostics import energy_table
from bayesdense.posterior.prior_variables import ZERO_SUM, governed_by

if TYPE_CHECKING:
    from bayesdense.fit.base import Fit
    from bayesdense.fit.density import DensityFit

__all__ = ["CheckReport", "CheckResult", "run_checks"]

MAX_RHAT = 1.01
MIN_ESS = 400
MIN_BFMI = 0.3
MAX_REFUSED = 0.01  # Of trajectories, and of energy for each coordinate.
MAX_ABOVE_REFERENCE = 0.5
MAX_DRIFT = 5.0  # Of about two thousand that are looked at.
MAX_SHIFT = 2.0
PRIOR_LIKE = 0.9
PRIOR_DRAWS = 4000
PRIOR_SEED = 20241204
CALIBRATION_SLACK = 4.0
WORST_SHOWN = 8


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    Attributes
    ----------
    name : str
        What was checked.
    passed : bool or None
        None where a person has to judge.
    trust : bool
        Whether a failure means that the posterior is not to be trusted. The
        others qualify how the answer may be read.
    text : str
        What was found, and what to do where it is not good.
    table : pandas.DataFrame
        The figures behind it.
    """

    name: str
    passed: bool | None
    trust: bool
    text: str
    table: pd.DataFrame

    @property
    def verdict(self) -> str:
        """Return ``good``, ``look`` or ``bad``."""
        if self.passed is None:
            return "look"
        return "good" if self.passed else ("bad" if self.trust else "look")


@dataclass(frozen=True)
class CheckReport:
    """All checks of one fit.

    Attributes
    ----------
    results : tuple of CheckResult
        One for each check.
    """

    results: tuple[CheckResult, ...]

    @property
    def trusted(self) -> bool:
        """Whether no check says that the posterior is not to be trusted."""
        return all(result.passed is not False for result in self.results if result.trust)

    @property
    def verdict(self) -> str:
        """The verdict in one sentence."""
        bad = [r.text for r in self.results if r.trust and r.passed is False]
        if bad:
            return "This posterior is not to be trusted: " + " ".join(bad)
        look = [r.name for r in self.results if r.verdict == "look"]
        text = "The diagnostics give no reason to distrust this posterior."
        return text + (f" Worth a look: {', '.join(look)}." if look else "")

    @property
    def table(self) -> pd.DataFrame:
        """One row for each check: ``check``, ``verdict``, ``text``."""
        return pd.DataFrame(
            [{"check": r.name, "verdict": r.verdict, "text": r.text} for r in self.results]
        )

    def __getitem__(self, name: str) -> CheckResult:
        """Return the check of that name."""
        for result in self.results:
            if result.name == name:
                return result
        from bayesdense.errors import UnknownNameError

        raise UnknownNameError.of("check", name, [r.name for r in self.results])

    def __repr__(self) -> str:
        """Return verdict and checks as text."""
        lines = [self.verdict]
        lines += [f"  {r.verdict:<5} {r.name}: {r.text}" for r in self.results]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        import html

        return f"<p>{html.escape(self.verdict)}</p>" + self.table.to_html(index=False)


def run_checks(fit: Fit[Any]) -> CheckReport:
    """Run every check on a fit.

    Parameters
    ----------
    fit : Fit
        The fit, of either kind.

    Returns
    -------
    CheckReport
    """
    from bayesdense.fit.density import DensityFit

    results = [_convergence(fit), _divergences(fit)]
    if "shared_from" in fit.info:
        results.append(_approximation(fit))
    elif "cut" not in fit.info:
        # Energies of chains with different rulers have no common scale; of an approximation
        # those of the part are in its own check.
        results.append(_energy(fit))
    if fit.interrupted:
        results.append(
            CheckResult("interruption", None, False, fit.interrupted + ".", pd.DataFrame())
        )
    if isinstance(fit, DensityFit):
        if "cut" in fit.info:
            results.append(_short_chains(fit))
        if fit.alone is not None:
            results.append(_references_alone(fit))
        results += [_above_reference(fit), _reach(fit)]
    if "tau" in fit.posterior:  # There are scores.
        results.append(_calibration(fit))
    results.append(_prior_like(fit))
    if "share" in fit.posterior:
        results.append(_frontier_share(fit))
    return CheckReport(tuple(results))


def _convergence(fit: Fit[Any]) -> CheckResult:
    """R-hat and effective sample size of every free variable and headline quantity."""
    table = fit.diagnostics()
    worst = table.sort_values("ess")
    rhat, ess = float(table["rhat"].max(skipna=False)), float(table["ess"].min(skipna=False))
    # NaN (one chain, or a constant) must not pass for good.
    passed = bool(rhat <= MAX_RHAT and ess >= MIN_ESS)
    worst_rhat = table.sort_values("rhat")["parameter"].iloc[-1]
    worst_ess = worst["parameter"].iloc[0]
    # A figure just above what is allowed must not look like it.
    digits = 4 if rhat > MAX_RHAT and f"{rhat:.3f}" == f"{MAX_RHAT:.3f}" else 3
    text = (
        f"largest R-hat {rhat:.{digits}f} ({worst_rhat}), lowest effective sample size "
        f"{ess:.0f} ({worst_ess}) over {len(table):,} quantities"
    )
    if not passed:
        text += f"; needed are R-hat <= {MAX_RHAT} and at least {MIN_ESS}: " + (
            "use more ruler_draws"
            if "cut" in fit.info
            else "sample more draws, and at least 4 chains"
        )
    return CheckResult("convergence", passed, True, text + ".", worst.head(WORST_SHOWN))


def _approximation(fit: Fit[Any]) -> CheckResult:
    """Say what was approximated, and how well the part was sampled that all rests on."""
    part = fit.info["shared_from"]
    sampled = part["rhat"] <= MAX_RHAT and part["ess"] >= MIN_ESS
    energy = ""
    # Files of before it was looked at do not have it.
    if "bfmi" in part:
        sampled = sampled and part["bfmi"] >= MIN_BFMI
        energy = f", lowest E-BFMI {part['bfmi']:.2f}"
    moved = part["refused"] <= MAX_REFUSED and part["energy_error"] <= MAX_REFUSED
    text = (
        f"ruler, growth and scales are sampled from {part['targets']:,} of {part['of']:,} targets "
        f"(largest R-hat {part['rhat']:.3f}, lowest effective sample size {part['ess']:.0f}"
        f"{energy}), and every model given these: intervals are as wide as so many targets make "
        "them"
    )
    if not sampled:
        text += f"; needed are R-hat <= {MAX_RHAT}, {MIN_ESS} and E-BFMI {MIN_BFMI}: sample more"
    if not moved:
        text += (
            f"; {part['refused']:.2g} of the trajectories of single models were refused and their "
            f"energies are off by {part['energy_error']:.2g}, where {MAX_REFUSED} is allowed: "
            "sample all together"
        )
    # It is for the user to say whether an approximation will do; a bad part will not.
    passed = None if sampled and moved else False
    return CheckResult("approximation", passed, True, text + ".", pd.DataFrame([part]))


def _divergences(fit: Fit[Any]) -> CheckResult:
    count = int(fit.sample_stats["diverging"].sum())
    total = int(fit.sample_stats["diverging"].size)
    text = f"{count} of {total:,} draws diverged"
    if count:
        text += (
            "; parts of the posterior may be missing: raise target_accept, "
            "or simplify the model where the data say little"
        )
    table = pd.DataFrame({"divergences": [count], "draws": [total]})
    return CheckResult("divergences", count == 0, True, text + ".", table)


def _energy(fit: Fit[Any]) -> CheckResult:
    table = energy_table(fit.sample_stats)
    lowest = float(table["bfmi"].min(skipna=False))
    passed = bool(lowest >= MIN_BFMI)
    text = f"lowest E-BFMI {lowest:.2f}"
    if not passed:
        text += f"; needed is {MIN_BFMI}: the tails are hard to reach, sample longer"
    return CheckResult("energy", passed, True, text + ".", table)


def _short_chains(fit: DensityFit) -> CheckResult:
    """Compare the first and the last draw of the chain of each ruler: it must not drift."""
    from bayesdense.sampler.cut_chains import DRAWS_OF_A_RULER

    rows = []
    for name in dict.fromkeys([*fit.info["free"], *fit.headline_names]):
        if name not in fit.posterior:
            continue
        values = fit.posterior[name].transpose("chain", "draw", ...).values
        flat = values.reshape(-1, DRAWS_OF_A_RULER, int(np.prod(values.shape[2:], dtype=int)))
        off = (flat - flat.mean(axis=(0, 1))) ** 2
        # Chains that have not left their starting points have too little spread.
        for what, seen in (("mean", flat), ("spread", off)):
            moved = seen[:, -1] - seen[:, 0]
            with np.errstate(divide="ignore", invalid="ignore"):
                z = moved.mean(axis=0) / (moved.std(axis=0) / np.sqrt(len(moved)))
            rows += [
                {"parameter": name, "entry": i, "of": what, "z": float(v)} for i, v in enumerate(z)
            ]
    table = pd.DataFrame(rows).assign(size=lambda t: t["z"].abs())
    table = table.sort_values("size", ascending=False).drop(columns="size")
    worst = table.iloc[0]
    passed = bool(abs(worst["z"]) < MAX_DRIFT)
    text = (
        f"between the first and the last draw given one ruler, the {worst['of']} of "
        f"{worst['parameter']} moves most: {abs(worst['z']):.1f} standard errors over "
        f"{fit.info['cut']['rulers']} rulers"
    )
    if not passed:
        text += f"; allowed are {MAX_DRIFT:g}: these chains are too short"
    return CheckResult("short chains", passed, True, text + ".", table.head(WORST_SHOWN))


def _references_alone(fit: DensityFit) -> CheckResult:
    """Say how well the ruler alone was sampled, and what targets did to it."""
    info = fit.info["references_alone"]
    good = info["rhat"] <= MAX_RHAT and info["ess"] >= MIN_ESS and not info["divergences"]
    text = (
        f"the ruler from references alone has R-hat {info['rhat']:.3f}, lowest effective sample "
        f"size {info['ess']:.0f} and {info['divergences']} divergences in {info['draws']:,} draws"
    )
    if not good:
        text += (
            f"; needed are R-hat <= {MAX_RHAT}, at least {MIN_ESS} and none: raise target_accept "
            "above 0.99, or take another seed"
        )
    if "cut" in fit.info:
        return CheckResult("references alone", bool(good), True, text + ".", fit.coefficients())
    table = fit.coefficients()
    keys = ["step", "of", "coefficient"]
    both = table.pivot(index=keys, columns="informed_by", values=["mean", "sd"])
    shift = (both["mean", "all models"] - both["mean", "references"]) / both["sd", "references"]
    moved = shift[shift.abs() > MAX_SHIFT].sort_values(key=abs, ascending=False)
    if len(moved):
        most = moved.head(4).rename("shift").reset_index().to_dict("records")
        named = ", ".join(f"{r['coefficient']}[{r['of']}] by {r['shift']:+.1f}" for r in most)
        text += (
            f"; scores of targets move it, in its standard deviations, {named}: compare ruler='cut'"
        )
    passed = bool(good and not len(moved))
    return CheckResult("references alone", passed, False, text + ".", table)


def _above_reference(fit: DensityFit) -> CheckResult:
    table = fit.above_reference()
    over = table[table["share_above_reference"] > MAX_ABOVE_REFERENCE]
    sizes = fit.effective_size()
    sizes = sizes[~sizes["is_reference"]]
    outside, above = sizes["outside_reference"], sizes["p_above_reference"] > 0.5
    text = (
        f"{100 * (outside & above).mean():.0f} % of the targets lie above the largest reference "
        f"and {100 * (outside & ~above).mean():.0f} % below the smallest"
    )
    if len(over):
        named = ", ".join(
            f"{row['benchmark']} {100 * row['share_above_reference']:.0f} %"
            for row in over.to_dict("records")
        )
        text += (
            f"; by benchmark {named} lie above, so that growth there rests on the form of the "
            "ruler: compare another reference family"
        )
    return CheckResult("reference range", len(over) == 0, False, text + ".", table)


def _reach(fit: DensityFit) -> CheckResult:
    table = fit.reach()
    table = table[table["informed_by"] == table["informed_by"].iloc[-1]]
    beyond = table[table["p_target_above"] > 0.05]
    text = "measured scores lie within what an infinitely large reference model could score"
    if len(beyond):
        named = ", ".join(
            f"{row['benchmark']} {100 * row['p_target_above']:.0f} %"
            for row in beyond.to_dict("records")
        )
        text = f"share of targets' measured scores above the reach of the ruler: {named}"
    return CheckResult("reach", None if len(beyond) else True, False, text + ".", table)


def _calibration(fit: Fit[Any]) -> CheckResult:
    """Compare the coverage of 90 % predictive intervals with 90 %."""
    table = fit.calibration()
    new = table[table["replicate"] == "new cell"]
    error = np.sqrt(0.9 * 0.1 / new["scores"].clip(lower=1))
    off = new[(new["inside_90"] - 0.9).abs() > CALIBRATION_SLACK * error]
    text = "90 % predictive intervals, which have seen the scores, hold " + ", ".join(
        f"{100 * row['inside_90']:.0f} % of {row['benchmark']}" for row in new.to_dict("records")
    )
    if len(off):
        text += "; the spread of scores is not well described on " + ", ".join(off["benchmark"])
    return CheckResult("calibration", None if len(off) else True, False, text + ".", table)


def _prior_like(fit: Fit[Any]) -> CheckResult:
    """Compare the spread of each named parameter with that of its prior."""
    rows = []
    variables = set(map(str, fit.posterior.data_vars))
    for name, prior in fit.priors.items():
        if prior.support == "bounded" and name != "share":
            continue
        before = prior.sample(PRIOR_DRAWS, PRIOR_SEED).reshape(PRIOR_DRAWS, -1)
        for variable in governed_by(name, variables, fit.priors):
            values = fit.posterior[variable].transpose("chain", "draw", ...)
            labels = [values[dim].values for dim in values.dims[2:]]
            flat = values.values.reshape(-1, int(np.prod(values.shape[2:], dtype=int)))
            # On the log, where priors of scales are comparable.
            logs = prior.support == "positive"
            flat, spread = (np.log(flat), np.log(before)) if logs else (flat, before)
            sd = spread.std(axis=0) * np.sqrt(1 - 1 / flat.shape[1] if name in ZERO_SUM else 1)
            for i in range(flat.shape[1]):
                of = str(labels[0][i]) if len(labels) == 1 else ""
                ratio = float(flat[:, i].std() / sd[i % len(sd)])
                rows.append({"parameter": variable, "of": of, "sd_ratio": ratio})
    table = pd.DataFrame(rows, columns=["parameter", "of", "sd_ratio"])
    like = table[table["sd_ratio"] > PRIOR_LIKE]
    text = "every parameter is narrower than its prior"
    if len(like):
        names = [
            f"{r['parameter']}[{r['of']}]" if r["of"] else str(r["parameter"])
            for r in like.to_dict("records")
        ]
        text = (
            "the data say little about "
            + ", ".join(names)
            + (": vary its prior" if len(like) == 1 else ": vary their priors")
            + " before relying on it"
        )
    table = table.sort_values("sd_ratio", ascending=False)
    return CheckResult("priors", None if len(like) else True, False, text + ".", table)


def _frontier_share(fit: Fit[Any]) -> CheckResult:
    """Say whether the data tell a frontier from noise."""
    share = fit.posterior["share"].values.ravel()
    prior, before = (fit.priors[n].sample(PRIOR_DRAWS, PRIOR_SEED) for n in ("share", "w1"))
    ratio = float(share.std() / prior.std())
    shift = float(abs(share.mean() - prior.mean()) / prior.std())
    table = pd.DataFrame(
        {
            "quantity": ["share", "w1"],
            "posterior_mean": [share.mean(), float(fit.posterior["w1"].mean())],
            "posterior_sd": [share.std(), float(fit.posterior["w1"].std())],
            "prior_mean": [prior.mean(), before.mean()],
            "prior_sd": [prior.std(), before.std()],
        }
    )
    if ratio > PRIOR_LIKE and shift < 0.5:
        text = (
            "the share of the one-sided lag is as wide as its prior: the data do not identify "
            "a frontier apart from the typical model"
        )
        return CheckResult("frontier", None, False, text + ".", table)
    text = (
        f"the share of the one-sided lag is {share.mean():.2f} +- {share.std():.2f} "
        f"(prior {prior.mean():.2f} +- {prior.std():.2f})"
    )
    return CheckResult("frontier", True, False, text + ".", table)
