"""What a user should know of switches that a dataset hardly answers."""

from __future__ import annotations

from bayesdense.data import Dataset
from bayesdense.errors import UnknownNameError
from bayesdense.sampler.warm_start import scored_targets
from bayesdense.spec import ModelSpec

__all__ = ["switch_notes"]


def switch_notes(spec: ModelSpec, data: Dataset) -> list[str]:
    """Return which parameters of a model will keep their priors for want of data.

    Parameters
    ----------
    spec : ModelSpec
        The composition of the model.
    data : Dataset
        The data.

    Returns
    -------
    list of str

    Raises
    ------
    UnknownNameError
        If the harness that is to drift measured nothing.
    """
    notes: list[str] = []
    targets = scored_targets(data)
    dated = targets.dropna(subset=["release_date"])
    if spec.harness_drift is not None:
        scores = data.scores[data.scores["benchmark"].isin(data.core_benchmarks)]
        known = sorted(scores["harness"].unique())
        if spec.harness_drift not in known:
            raise UnknownNameError.of("harness", spec.harness_drift, known)
        own = scores[scores["harness"].eq(spec.harness_drift)]
        if not own["model"].isin(dated["model"]).any():
            notes.append(
                f"harness_drift={spec.harness_drift!r}: that harness measured no target with a "
                "date, so that its drift keeps its prior."
            )
    return notes
