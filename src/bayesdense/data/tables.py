"""The four finished tables as one value, and the digest of what they say."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesdense.data.schema import SCHEMA, Column, TableSchema

__all__ = ["Tables", "digest_tables"]

# Bump when the canonical form changes, so that an old digest cannot match by accident.
_DIGEST_FORM = "bayesdense dataset, form 1"


@dataclasses.dataclass(frozen=True, eq=False)
class Tables:
    """Four validated frames. Functions take these and return new ones.

    Parameters
    ----------
    models, benchmarks, scores, losses : pandas.DataFrame
        As `validate_tables` returns them.
    """

    models: pd.DataFrame
    benchmarks: pd.DataFrame
    scores: pd.DataFrame
    losses: pd.DataFrame

    def replace(self, **frames: pd.DataFrame) -> Tables:
        """Return the tables with some of the frames exchanged."""
        fresh = {name: frame.reset_index(drop=True) for name, frame in frames.items()}
        return dataclasses.replace(self, **fresh)

    def keep_models(self, keep: NDArray[np.bool_]) -> Tables:
        """Return the tables with some of the models, and only their scores and losses."""
        models = self.models[keep]
        names = set(models["model"])
        return self.replace(
            models=models,
            scores=self.scores[self.scores["model"].isin(names)],
            losses=self.losses[self.losses["model"].isin(names)],
        )


def digest_tables(tables: Tables) -> str:
    """Return the SHA-256 of the tables' content, as hexadecimal text.

    Only columns of the schema count. The order of rows and of columns does
    not, nor do names and descriptions.

    Parameters
    ----------
    tables : Tables
        Validated tables.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    sha = hashlib.sha256(_DIGEST_FORM.encode())
    for name, schema in SCHEMA.items():
        sha.update(f"\x1d{name}".encode())
        for row in sorted(_canonical_rows(getattr(tables, name), schema)):
            sha.update(f"\x1e{row}".encode())
    return sha.hexdigest()


def _canonical_rows(frame: pd.DataFrame, schema: TableSchema) -> Iterable[str]:
    columns = [_canonical_cells(frame[c.name].tolist(), c) for c in schema.columns if not c.later]
    rows = ("\x1f".join(cells) for cells in zip(*columns, strict=True))
    for column in (c for c in schema.columns if c.later):
        own, usual = (frame[name].tolist() for name in (column.name, column.copy_of))
        said = [f"\x1f{column.name}={v}" if v != u else "" for v, u in zip(own, usual, strict=True)]
        rows = (f"{row}{more}" for row, more in zip(rows, said, strict=True))
    return rows


def _canonical_cells(values: list[Any], column: Column) -> list[str]:
    if column.kind == "number":
        return ["" if v != v else repr(float(v)) for v in values]
    if column.kind == "date":
        return ["" if v is pd.NaT else v.date().isoformat() for v in values]
    return [str(v) for v in values]
