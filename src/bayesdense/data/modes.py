"""Take models that were run in another mode, such as thinking, for what they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from bayesdense.data.tables import Tables
from bayesdense.errors import DataError, UnknownNameError

__all__ = ["with_mode"]

# What one set of weights has one of.
OF_WEIGHTS = ("n_params", "n_active", "release_date", "family")


def with_mode(
    tables: Tables, mode: str, models: Iterable[str], weights_of: Mapping[str, str]
) -> Tables:
    """Return tables in which a mode is a harness, and entries of the same weights are one model.

    Parameters
    ----------
    tables : Tables
        The tables to start from; they stay as they are.
    mode : str
        Its name.
    models : iterable of str
        What was run in that mode.
    weights_of : mapping of str to str
        Of some of them, the model that has the same weights.

    Returns
    -------
    Tables
        The scores of `models` have the harness ``"<harness>, <mode>"`` and the source
        ``"<source>, <mode>"``; those of the keys of `weights_of` are scores of its values.

    Raises
    ------
    UnknownNameError
        If a model is not there.
    DataError
        If no mode or no model is named, a model with the weights of another one is not
        among `models` or the other one is, or the two differ in size, date or family.
    """
    chosen = list(dict.fromkeys([models] if isinstance(models, str) else models))
    if not mode.strip() or not chosen:
        raise DataError("with_mode: name the mode, and at least one model that was run in it.")
    rows = tables.models.set_index("model")
    for name in [*chosen, *weights_of, *weights_of.values()]:
        if name not in rows.index:
            raise UnknownNameError.of("model", name, rows.index)
    for name, other in weights_of.items():
        if name not in chosen:
            raise DataError(f"with_mode: '{name}' is in weights_of and not among the models.")
        if other in chosen:
            raise DataError(
                f"with_mode: '{other}', which is to stand for the weights of '{name}', was run in "
                "the same mode; name a model that was not."
            )
        for column in OF_WEIGHTS:
            values = rows.loc[[name, other], column]
            if not values.isna().all() and values.nunique(dropna=False) > 1:
                raise DataError(
                    f"with_mode: '{name}' and '{other}' cannot have the same weights: {column} "
                    f"is {values.iloc[0]} and {values.iloc[1]}."
                )
    in_mode = tables.scores["model"].isin(chosen)
    marked = {name: _marked(tables.scores[name], in_mode, mode) for name in ("harness", "source")}
    model = tables.scores["model"].replace(dict(weights_of))
    scores = tables.scores.assign(model=model, **marked)
    losses = tables.losses[~tables.losses["model"].isin(list(weights_of))]
    kept = ~tables.models["model"].isin(list(weights_of))
    return tables.replace(models=tables.models[np.asarray(kept)], scores=scores, losses=losses)


def _marked(values: pd.Series, where: pd.Series, mode: str) -> pd.Series:
    """Return names with a mode behind them, where there is one."""
    return values.where(~where, values.astype(str) + f", {mode}").astype(values.dtype)
