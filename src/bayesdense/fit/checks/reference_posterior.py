"""The ruler from references only, and what the targets did to it."""

from __future__ import annotations

from bayesdense.fit.checks.base import MAX_RHAT, MIN_ESS, CheckedDensity, CheckResult

__all__ = ["reference_posterior"]

MAX_SHIFT = 2.0  # Of the reference posterior's standard deviations.


def reference_posterior(fit: CheckedDensity) -> CheckResult | None:
    """Compare the ruler with that of the references only; None where there is none."""
    run = fit.info.reference_posterior
    if run is None:
        return None
    good = run.rhat <= MAX_RHAT and run.ess >= MIN_ESS and not run.divergences
    text = (
        f"the ruler from references only has R-hat {run.rhat:.3f}, lowest effective sample "
        f"size {run.ess:.0f} and {run.divergences} divergences in {run.draws:,} draws"
    )
    if not good:
        text += (
            f"; needed are R-hat <= {MAX_RHAT}, at least {MIN_ESS} and none: raise target_accept "
            "above 0.99, or take another seed"
        )
    if fit.info.cut:
        return CheckResult("reference posterior", bool(good), True, text + ".", fit.coefficients())
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
    return CheckResult("reference posterior", passed, False, text + ".", table)
