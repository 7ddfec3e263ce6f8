"""What a dataset holds and how it stays as it is; what it can do is in dataset.py."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NoReturn

import pandas as pd

from bayesdense.data.describe import describe_tables, summarise_tables
from bayesdense.data.html import card
from bayesdense.data.tables import Tables, digest_tables
from bayesdense.errors import DataError

__all__ = ["TableHolder"]


class TableHolder:
    """Four tables that do not change, a name, and where they came from.

    Parameters
    ----------
    tables, name, description, sources, selection
        As for `bayesdense.data.Dataset`.
    """

    def __init__(
        self,
        tables: Tables,
        *,
        name: str = "dataset",
        description: str = "",
        sources: Iterable[Mapping[str, Any]] = (),
        selection: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        if not isinstance(tables, Tables):
            raise DataError("Dataset takes validated tables: use Dataset.from_frames for frames.")
        # Attributes are set here once; __setattr__ refuses everything later.
        self.__dict__.update(
            _tables=tables,
            _name=str(name),
            _description=str(description),
            _sources=[dict(s) for s in sources],
            _selection=[dict(s) for s in selection],
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: a dataset does not change."""
        raise AttributeError(
            f"a Dataset does not change: cannot set '{name}'; make a new one with "
            "Dataset.from_frames, select or with_reference."
        )

    @property
    def tables(self) -> Tables:
        """The four frames as one value, each a copy."""
        own: Tables = self.__dict__["_tables"]
        return Tables(
            models=own.models.copy(deep=False),
            benchmarks=own.benchmarks.copy(deep=False),
            scores=own.scores.copy(deep=False),
            losses=own.losses.copy(deep=False),
        )

    @property
    def models(self) -> pd.DataFrame:
        """One row for each model (a copy)."""
        return self.tables.models

    @property
    def benchmarks(self) -> pd.DataFrame:
        """One row for each benchmark (a copy)."""
        return self.tables.benchmarks

    @property
    def scores(self) -> pd.DataFrame:
        """One row for each measurement (a copy)."""
        return self.tables.scores

    @property
    def losses(self) -> pd.DataFrame:
        """One row for each loss (a copy); it may have no rows."""
        return self.tables.losses

    @property
    def name(self) -> str:
        """A short name for reports."""
        return str(self.__dict__["_name"])

    @property
    def description(self) -> str:
        """What the data are, in a sentence or two."""
        return str(self.__dict__["_description"])

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Where the data came from, as in a Frictionless Data Package (a copy)."""
        return [dict(s) for s in self.__dict__["_sources"]]

    @property
    def selection(self) -> list[dict[str, Any]]:
        """What was chosen, step by step, and how much each step dropped (a copy)."""
        entries: list[dict[str, Any]] = copy.deepcopy(self.__dict__["_selection"])
        return entries

    @property
    def references(self) -> pd.DataFrame:
        """The models that make the ruler."""
        models = self.models
        return models[models["is_reference"]].reset_index(drop=True)

    @property
    def targets(self) -> pd.DataFrame:
        """The models that are measured."""
        models = self.models
        return models[~models["is_reference"]].reset_index(drop=True)

    @property
    def core_benchmarks(self) -> list[str]:
        """Benchmarks that studies use unless others are named, in the table's order."""
        benchmarks = self.benchmarks
        return [str(b) for b in benchmarks.loc[benchmarks["core"], "benchmark"]]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the schema's columns, whatever the order of rows and columns."""
        return digest_tables(self.tables)

    def __eq__(self, other: object) -> bool:
        """Whether the other is a dataset of the same content."""
        return self.digest == other.digest if isinstance(other, TableHolder) else NotImplemented

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash(self.digest)

    def __repr__(self) -> str:
        """Return one line with the counts."""
        return describe_tables(self.tables, name=self.name)

    def _repr_html_(self) -> str:
        """Return the line and the summary for a notebook."""
        return card(repr(self), table=self.summary())

    def summary(self) -> pd.DataFrame:
        """Count models and scores by benchmark.

        Returns
        -------
        pandas.DataFrame
            One row for each benchmark: ``benchmark``, ``core``, ``n_models``,
            ``n_targets``, ``n_references``, ``n_scores``, ``chance``,
            ``n_items``, ``harnesses`` (names, joined by commas).
        """
        return summarise_tables(self.tables)
