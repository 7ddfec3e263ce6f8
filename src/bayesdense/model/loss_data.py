"""The measured losses of the reference runs: which are used, and which cells have one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayesdense.data import Dataset
from bayesdense.errors import ReadinessError
from bayesdense.parts.laws import LossLaw

__all__ = ["LOSS_DEGREES", "covariate", "losses_of_cells", "require_tokens", "used_losses"]

# Of the Student-t noise of the logarithm of a loss.
LOSS_DEGREES = 4.0


def losses_of_cells(
    arrays: Mapping[str, np.ndarray], n_models: int, ruler: np.ndarray, n_sets: int
) -> dict[str, np.ndarray]:
    """Return the loss that was measured on the loss set of each cell, where there is one.

    Parameters
    ----------
    arrays : mapping of str to numpy.ndarray
        Losses and cells of a design.
    n_models : int
        Number of models.
    ruler : numpy.ndarray of int, shape (benchmark,)
        The ruler of each benchmark; loss sets come first.
    n_sets : int
        Number of loss sets.

    Returns
    -------
    dict of str to numpy.ndarray, shape (cell,)
        ``cell_loss_seen``, 1 where the loss was measured, and ``cell_loss``,
        which is 1 where it was not.
    """
    table = np.full((n_models, n_sets + len(ruler)), np.nan)
    table[arrays["loss_model"], arrays["loss_set_code"]] = np.exp(arrays["loss_observed"])
    found = table[arrays["cell_model"], ruler[arrays["cell_benchmark"]]]
    seen = np.isfinite(found)
    return {
        "cell_loss_seen": seen.astype(float),
        "cell_loss": np.where(seen, found, 1.0),
    }


def covariate(models: pd.DataFrame, references: np.ndarray, name: str, law: str) -> np.ndarray:
    """Return what a law reads of the references; targets are read as if it were 0.

    Parameters
    ----------
    models : pandas.DataFrame
        The models table.
    references : numpy.ndarray of bool, shape (model,)
        Which of them are references.
    name : str
        The column.
    law : str
        Name of the law, for the message.

    Returns
    -------
    numpy.ndarray, shape (model,)

    Raises
    ------
    ReadinessError
        If the column is missing, or a reference has no number from 0 to below 1.
    """
    if name not in models:
        raise ReadinessError(
            f"models: the law '{law}' reads the column '{name}', which is not there."
        )
    values = pd.to_numeric(models[name], errors="coerce").to_numpy(dtype=float)
    bad = references & ~((values >= 0) & (values < 1))
    if bad.any():
        row = models[bad].iloc[0]
        raise ReadinessError(
            f"models, column '{name}': reference '{row['model']}' has {row[name]}; allowed is a "
            "number from 0 to below 1."
        )
    return np.where(references, values, 0.0)


def used_losses(data: Dataset, wanted: list[str], law: LossLaw, notes: list[str]) -> pd.DataFrame:
    """Return the losses of reference runs on some loss sets.

    Parameters
    ----------
    data : Dataset
        With references and losses.
    wanted : list of str
        Loss sets.
    law : LossLaw
        Its coefficients are compared in number with the runs.
    notes : list of str
        What a user should know is added here.

    Returns
    -------
    pandas.DataFrame
        Sorted by loss set and model.

    Raises
    ------
    ReadinessError
        If a loss set has runs of one size only, or one loss only.
    """
    losses = data.losses[data.losses["loss_set"].isin(wanted)]
    references = set(data.references["model"])
    foreign = losses.loc[~losses["model"].isin(references), "model"].nunique()
    if foreign:
        notes.append(
            f"losses of {foreign} target models are not used: only references make the ruler."
        )
    losses = losses[losses["model"].isin(references)]
    sizes = data.models.set_index("model")["n_params"]
    for loss_set, rows in losses.groupby("loss_set"):
        runs, different = rows["model"].nunique(), sizes.loc[rows["model"]].nunique()
        if runs < 2 or rows["loss"].nunique() < 2:
            raise ReadinessError(
                f"losses, loss set '{loss_set}': {runs} reference run(s) with "
                f"{rows['loss'].nunique()} distinct loss; a law needs at least two of each."
            )
        if different < 2:
            raise ReadinessError(
                f"losses, loss set '{loss_set}': all {runs} reference runs have the same "
                f"n_params ({sizes.loc[rows['model'].iloc[0]]:g}), so nothing says how the loss "
                "falls with size; a law needs runs of at least two sizes."
            )
        count = len(law.coefficients)
        if runs <= count:
            notes.append(
                f"loss set '{loss_set}' has losses of {runs} runs for the {count} coefficients "
                f"of the law '{law.name}': its law rests on the priors."
            )
    return losses.sort_values(["loss_set", "model"], kind="stable").reset_index(drop=True)


def require_tokens(
    models: pd.DataFrame, scores: pd.DataFrame, losses: pd.DataFrame, through_losses: list[str]
) -> None:
    """Complain about reference runs whose place on the token axis is unknown.

    Parameters
    ----------
    models, scores, losses : pandas.DataFrame
        Tables of the dataset.
    through_losses : list of str
        Benchmarks that are read through losses.

    Raises
    ------
    ReadinessError
        If a run that is read through losses has no token count.
    """
    read = set(losses["model"]) | set(scores.loc[scores["benchmark"].isin(through_losses), "model"])
    runs = models[models["is_reference"] & models["model"].isin(read)]
    unknown = runs.loc[runs["n_tokens"].isna(), "model"].tolist()
    if unknown:
        shown = ", ".join(unknown[:5]) + (" ..." if len(unknown) > 5 else "")
        raise ReadinessError(
            f"models, column 'n_tokens': {len(unknown)} reference runs with losses have no "
            f"token count ({shown}); the loss law needs it, or leave those runs out."
        )
