"""Treat a mode that models were run in, such as thinking, as a harness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from bayesdense.data.tables import Tables
from bayesdense.errors import DataError, UnknownNameError

__all__ = ["with_mode"]

# What one set of weights has one of.
OF_WEIGHTS = ("n_params", "n_active", "n_tokens", "release_date", "family", "is_reference")
KEY = ["model", "benchmark", "source"]


def with_mode(
    tables: Tables, mode: object, models: Iterable[str] | str, weights_of: object
) -> Tables:
    """Return tables in which a mode is a harness, and entries of the same weights are one model.

    Parameters
    ----------
    tables : Tables
        The tables to start from; they stay as they are.
    mode : str
        Its name.
    models : str or iterable of str
        What was run in that mode.
    weights_of : mapping of str to str
        Of some of them, the model that has the same weights.

    Returns
    -------
    Tables
        The scores of `models` have the harness ``"<harness>, <mode>"`` and the source
        ``"<source>, <mode>"``; those of the keys of `weights_of` are scores of its values.
        Losses of the keys are left out.

    Raises
    ------
    UnknownNameError
        If a model is not there.
    DataError
        If no mode or no model is named, `weights_of` is no mapping, a model with the
        weights of another one is not among `models` or the other one is, the two differ in
        size, tokens, date, family or in being a reference, or a model has two scores of
        one source in one mode.
    """
    chosen = list(dict.fromkeys([models] if isinstance(models, str) else models))
    if not isinstance(mode, str) or not mode.strip() or not chosen:
        raise DataError("with_mode: name the mode, and at least one model that was run in it.")
    if not isinstance(weights_of, Mapping):
        raise DataError(
            f"with_mode: weights_of={weights_of!r}: allowed is a mapping such as "
            "{'GLM-5-think': 'GLM-5'}."
        )
    _check(tables, chosen, dict(weights_of))
    in_mode = tables.scores["model"].isin(chosen)
    marked = {
        name: _marked(tables.scores[name], in_mode, mode.strip()) for name in ("harness", "source")
    }
    model = tables.scores["model"].replace(dict(weights_of))
    scores = tables.scores.assign(model=model, **marked)
    twice = scores[scores.duplicated(KEY)]
    if len(twice):
        name, benchmark, source = twice.iloc[0][KEY]
        raise DataError(
            f"with_mode: '{name}' would have two scores on {benchmark} from the source "
            f"'{source}'; name one entry for each, and call once for each mode."
        )
    merged = list(weights_of)
    losses = tables.losses[~tables.losses["model"].isin(merged)]
    kept = ~tables.models["model"].isin(merged)
    return tables.replace(models=tables.models[np.asarray(kept)], scores=scores, losses=losses)


def _check(tables: Tables, chosen: list[str], weights_of: dict[str, str]) -> None:
    """Refuse models that are not there, and entries that cannot have the same weights."""
    rows = tables.models.set_index("model")
    for name in [*chosen, *weights_of, *weights_of.values()]:
        if name not in rows.index:
            raise UnknownNameError.of("model", name, rows.index)
    for name, other in weights_of.items():
        if name not in chosen:
            raise DataError(f"with_mode: '{name}' is in weights_of and not among the models.")
        if other in chosen:
            raise DataError(
                f"with_mode: weights_of says that '{name}' has the weights of '{other}', which was "
                "run in the same mode; name the entry that was run without it."
            )
        for column in OF_WEIGHTS:
            values = rows.loc[[name, other], column]
            if not values.isna().all() and values.nunique(dropna=False) > 1:
                raise DataError(
                    f"with_mode: '{name}' and '{other}' cannot have the same weights: {column} "
                    f"is {values.iloc[0]} and {values.iloc[1]}."
                )


def _marked(values: pd.Series, where: pd.Series, mode: str) -> pd.Series:
    """Return names with a mode behind them, where there is one."""
    return values.where(~where, values.astype(str) + f", {mode}").astype(values.dtype)
