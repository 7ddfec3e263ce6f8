"""Exchange the reference models of a dataset, or borrow another dataset's."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesdense.data.select import Names, Selection, as_names, check_names
from bayesdense.data.tables import Tables
from bayesdense.errors import DataError

__all__ = ["borrow_references", "swap_references"]

# Two datasets that round one chance level differently still mean the same benchmark.
CHANCE_TOLERANCE = 0.01


def swap_references(
    tables: Tables,
    *,
    families: Names | None = None,
    models: Names | None = None,
    dense: bool = False,
) -> tuple[Tables, Selection]:
    """Make other models of the same dataset the references.

    Parameters
    ----------
    tables : Tables
        The tables to start from; they stay as they are.
    families, models : str or iterable of str, optional
        The new references: those models that are in a named family and named
        themselves, where both are given. All other models become targets.
    dense : bool
        Whether mixture models are left out of the references.

    Returns
    -------
    Tables, list of dict
        The new tables and one entry that says what was done.

    Raises
    ------
    DataError
        When neither is given, or no model is both.
    UnknownNameError
        When a family or model is not there.
    """
    if families is None and models is None:
        raise DataError("with_reference: name the families or models, or give a dataset.")
    chosen = _chosen(tables.models, families, models, dense)
    entry = {
        "filter": "with_reference",
        "value": tables.models.loc[chosen, "model"].tolist(),
        "dropped_models": 0,
        "dropped_scores": 0,
        "dropped_losses": 0,
        "references_too": True,
    }
    return tables.replace(models=tables.models.assign(is_reference=chosen)), [entry]


def borrow_references(
    tables: Tables,
    lender: Tables,
    *,
    lender_name: str,
    families: Names | None = None,
    models: Names | None = None,
    dense: bool = False,
) -> tuple[Tables, Selection]:
    """Measure one dataset's models with another dataset's references.

    Parameters
    ----------
    tables : Tables
        The dataset to be measured. References of its own become targets.
    lender : Tables
        The dataset whose references are borrowed.
    lender_name : str
        Its name, for messages.
    families, models : str or iterable of str, optional
        Which of the lender's references to borrow; all of them by default.
    dense : bool
        Whether mixture models are left out.

    Returns
    -------
    Tables, list of dict
        The benchmarks that both have, with the lender's loss sets; all models
        of the first dataset and the borrowed ones; and an entry that says
        what was done. Losses are the borrowed models' only, because losses
        of two datasets are not on one scale.

    Raises
    ------
    DataError
        When the lender has no references, a model is in both, no benchmark
        is, or chance differs by more than 0.01 on a shared benchmark.
    UnknownNameError
        When a family or model is not among the lender's references.
    """
    lent = lender.models[lender.models["is_reference"]]
    if not len(lent):
        raise DataError(f"with_reference: dataset '{lender_name}' has no reference models to lend.")
    lent = lent[_chosen(lent, families, models, dense)]
    clash = sorted(set(lent["model"]) & set(tables.models["model"]))
    if clash:
        raise DataError(
            f"with_reference: {len(clash)} models are in both datasets, such as '{clash[0]}': "
            "a model must have one name in one dataset only; select other models first."
        )
    benchmarks = _shared_benchmarks(tables.benchmarks, lender.benchmarks, lender_name)
    own = tables.scores[tables.scores["benchmark"].isin(benchmarks["benchmark"])]
    theirs = lender.scores[
        lender.scores["model"].isin(lent["model"])
        & lender.scores["benchmark"].isin(benchmarks["benchmark"])
    ]
    entry = {
        "filter": "with_reference",
        "value": f"{len(lent)} references of '{lender_name}'",
        "dropped_models": 0,
        "dropped_scores": len(tables.scores) - len(own),
        "dropped_losses": len(tables.losses),
        "references_too": True,
    }
    merged = Tables(
        models=_stack(tables.models.assign(is_reference=False), lent),
        benchmarks=benchmarks.reset_index(drop=True),
        scores=_stack(own, theirs),
        losses=lender.losses[lender.losses["model"].isin(lent["model"])].reset_index(drop=True),
    )
    return merged, [entry]


def _chosen(
    frame: pd.DataFrame, families: Names | None, models: Names | None, dense: bool
) -> NDArray[np.bool_]:
    if not isinstance(dense, bool):
        raise DataError(f"with_reference: dense must be True or False, not {dense!r}.")
    mask = np.ones(len(frame), dtype=bool)
    if dense:
        mask &= (frame["n_active"] == frame["n_params"]).to_numpy(dtype=bool)
    for what, option, value in (("family", "families", families), ("model", "models", models)):
        if value is not None:
            names = as_names(option, value)
            check_names(what, names, frame[what])
            mask &= frame[what].isin(names).to_numpy(dtype=bool)
    if not mask.any():
        raise DataError(
            f"with_reference: no model is both in families={families!r} and in models={models!r}"
            f"{', and dense' if dense else ''}."
        )
    return mask


def _shared_benchmarks(own: pd.DataFrame, theirs: pd.DataFrame, lender_name: str) -> pd.DataFrame:
    other = theirs.set_index("benchmark")
    shared = own[own["benchmark"].isin(other.index)]
    if not len(shared):
        raise DataError(
            f"with_reference: no benchmark is shared with '{lender_name}'; here are "
            f"{', '.join(own['benchmark'])}, there are {', '.join(other.index)}."
        )
    other = other.loc[shared["benchmark"]]
    gap = np.abs(shared["chance"].to_numpy() - other["chance"].to_numpy())
    for i in np.flatnonzero(gap > CHANCE_TOLERANCE + 1e-9):
        raise DataError(
            f"with_reference: chance of '{shared['benchmark'].iloc[i]}' is "
            f"{shared['chance'].iloc[i]:g} here and {other['chance'].iloc[i]:g} in "
            f"'{lender_name}'; allowed is a difference up to {CHANCE_TOLERANCE:g}."
        )
    return shared.assign(loss_set=other["loss_set"].to_numpy())


def _stack(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Put rows below one another; a column that only one frame has is missing in the other."""
    names = [*first.columns, *(c for c in second.columns if c not in first.columns)]
    columns = {}
    for name in names:
        parts = [
            frame[name] if name in frame else pd.Series([None] * len(frame), dtype=object)
            for frame in (first, second)
        ]
        dtypes = {part.dtype for part in parts}
        if len(dtypes) > 1:
            # An extra column is text here and a number there, or only on one side.
            parts = [part.astype(object) for part in parts]
        columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns)
