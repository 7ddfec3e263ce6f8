"""Training runs in one plain table, arranged as the tables of a dataset."""

from __future__ import annotations

import pandas as pd

from bayesdense.errors import DataError

__all__ = ["frames_of_runs"]


def frames_of_runs(
    runs: pd.DataFrame, *, loss_set: str, unit: str, name: str
) -> dict[str, pd.DataFrame]:
    """Arrange a plain table of sizes, tokens and losses as the tables of a dataset.

    Parameters
    ----------
    runs : pandas.DataFrame
        As for `Dataset.from_losses`.
    loss_set, unit : str
        What the losses were measured on, and their unit.
    name : str
        Family of the runs where the table names none.

    Returns
    -------
    dict of str to pandas.DataFrame
        By table; there are no benchmarks and no scores.

    Raises
    ------
    DataError
        If `runs` is not a table with the columns that are needed.
    """
    if not isinstance(runs, pd.DataFrame):
        raise DataError(f"runs is a {type(runs).__name__}; allowed is a DataFrame.")
    missing = [c for c in ("n_params", "n_tokens", "loss") if c not in runs]
    if missing:
        raise DataError(
            f"runs: the column '{missing[0]}' is missing; the table has "
            f"{', '.join(map(str, runs.columns)) or 'no column at all'}."
        )
    models = runs.drop(columns="loss").assign(is_reference=True).reset_index(drop=True)
    if "model" not in models:
        models["model"] = [f"run {i + 1}" for i in range(len(models))]
    if "family" not in models:
        models["family"] = name
    losses = {
        "model": models["model"],
        "loss_set": loss_set,
        "loss": runs["loss"].to_numpy(),
        "unit": unit,
    }
    return {
        "models": models,
        "benchmarks": pd.DataFrame(columns=["benchmark", "n_items", "chance"]),
        "scores": pd.DataFrame(columns=["model", "benchmark", "score"]),
        "losses": pd.DataFrame(losses),
    }
