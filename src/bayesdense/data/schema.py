"""The schema of a dataset: its four tables and what each column may hold.

This is the only place where columns, defaults, units and allowed values are
written down. Validation, reading, writing, the digest and the script that
builds the shipped data packages all read it from here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "NEAR_NAMES",
    "SCHEMA",
    "SOURCE_FIELDS",
    "TABLE_NAMES",
    "Column",
    "Rule",
    "TableSchema",
    "squash",
]

Kind = Literal["name", "text", "date", "bool", "number"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """Which numbers are allowed, in words and as a test of finite floats."""

    allowed: str
    holds: Callable[[Floats], NDArray[np.bool_]]


POSITIVE = Rule("a finite number above 0", lambda x: x > 0)
# No model and no training run is smaller, and a size in billions (7 for 7e9) is.
SIZE = Rule("a number of parameters from 1,000 up, such as 7e9", lambda x: x >= 1e3)
TOKENS = Rule("a number of tokens from 1,000,000 up, such as 2e12", lambda x: x >= 1e6)
FRACTION = Rule("a fraction from 0 to 1", lambda x: (x >= 0) & (x <= 1))
CHANCE = Rule("a fraction from 0 up to, but not including, 1", lambda x: (x >= 0) & (x < 1))
WHOLE_FROM_1 = Rule("a whole number from 1 up", lambda x: (x >= 1) & (x == np.floor(x)))
WHOLE_FROM_0 = Rule("a whole number from 0 up", lambda x: (x >= 0) & (x == np.floor(x)))

_ALLOWED: dict[Kind, str] = {
    "name": "text without blanks around it",
    "text": "one line of text",
    "date": "an ISO day such as 2023-07-18, of the years 1990 to 2099, or an empty cell",
    "bool": "true or false",
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Header of the column.
    kind : {"name", "text", "date", "bool", "number"}
        How its cells are read.
    description : str
        What it means, for the data packages and the documentation.
    required : bool
        Whether every row must have a value.
    default : str, float, bool or None
        Value of an empty cell; None leaves it missing.
    copy_of : str
        Column of the same table that an empty cell takes its value from.
    rule : Rule, optional
        Allowed numbers, for ``kind="number"``.
    unit : str
        Unit of the numbers.
    integer : bool
        Whether the finished column is int64 instead of float64.
    if_missing : str
        What to do about a row without a value, where one is required.
    later : bool
        Whether the schema got the column later: the digest reads it only where
        it says something, so that data that lack it keep theirs.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    default: str | float | bool | None = None
    copy_of: str = ""
    rule: Rule | None = None
    unit: str = ""
    integer: bool = False
    if_missing: str = ""
    later: bool = False

    @property
    def allowed(self) -> str:
        """What a cell may hold, in words."""
        return self.rule.allowed if self.rule else _ALLOWED[self.kind]


@dataclass(frozen=True)
class TableSchema:
    """One table: its name, the columns that identify a row, and all columns."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    optional: bool = False

    @property
    def column_names(self) -> list[str]:
        """Names of all columns, in order."""
        return [column.name for column in self.columns]

    @property
    def required_names(self) -> list[str]:
        """Names of the columns that must be there."""
        return [column.name for column in self.columns if column.required]


def _number(name: str, rule: Rule, description: str, **more: object) -> Column:
    return Column(name, "number", description, rule=rule, **more)  # type: ignore[arg-type]


_MODELS = TableSchema(
    "models",
    ("model",),
    (
        Column("model", "name", "Name of the model", required=True),
        Column("family", "name", "Models trained alike; by default itself", copy_of="model"),
        Column(
            "developer",
            "name",
            "Who trained it; by default its family",
            copy_of="family",
            later=True,
        ),
        Column("release_date", "date", "Day of release; empty if unknown"),
        _number(
            "n_params",
            SIZE,
            "All parameters",
            required=True,
            unit="parameters",
            if_missing="a model of unknown size cannot be used, leave it and its scores out",
        ),
        _number(
            "n_active",
            SIZE,
            "Parameters used for one token",
            copy_of="n_params",
            unit="parameters",
        ),
        _number("n_tokens", TOKENS, "Training tokens; empty if unknown", unit="tokens"),
        Column("is_base", "bool", "Pretrained only, without instruction tuning", default=True),
        Column("is_compressed", "bool", "Pruned, distilled or quantised", default=False),
        Column("is_reference", "bool", "One of the models that make the ruler", default=False),
        Column("release_date_source", "text", "Where release_date was found", default=""),
        Column("n_params_source", "text", "Where n_params was found", default=""),
        Column("n_tokens_source", "text", "Where n_tokens was found", default=""),
    ),
)

_BENCHMARKS = TableSchema(
    "benchmarks",
    ("benchmark",),
    (
        Column("benchmark", "name", "Name of the benchmark", required=True),
        _number("n_items", WHOLE_FROM_1, "Number of items", required=True, unit="items"),
        _number(
            "chance",
            CHANCE,
            "Score of guessing",
            required=True,
            unit="fraction",
            if_missing="write 0 where nothing is gained by guessing",
        ),
        Column("core", "bool", "Used by studies unless others are named", default=True),
        Column("loss_set", "name", "Loss set that predicts it", copy_of="benchmark"),
        _number("shots", WHOLE_FROM_0, "Usual examples in the prompt", unit="examples"),
    ),
)

_SCORES = TableSchema(
    "scores",
    ("model", "benchmark", "source"),
    (
        Column("model", "name", "A model of the models table", required=True),
        Column("benchmark", "name", "A benchmark of the benchmarks table", required=True),
        _number(
            "score",
            FRACTION,
            "Score",
            required=True,
            unit="fraction",
            if_missing="leave the row out",
        ),
        Column("harness", "name", "Evaluation code and prompt that was used", default="default"),
        _number("shots", WHOLE_FROM_0, "Examples in the prompt, if stated", unit="examples"),
        # Its default, the benchmark's n_items, comes from another table: see validate.py.
        _number("n_items", WHOLE_FROM_1, "Items this score is a mean of", unit="items"),
        _number(
            "n_sources",
            WHOLE_FROM_1,
            "Sources that print this same figure",
            default=1.0,
            integer=True,
            unit="sources",
        ),
        Column("source", "name", "Where the score was found", default="unknown"),
    ),
)

_LOSSES = TableSchema(
    "losses",
    ("model", "loss_set"),
    (
        Column("model", "name", "A model of the models table", required=True),
        Column("loss_set", "name", "Text on which the loss was measured", required=True),
        _number(
            "loss",
            POSITIVE,
            "Loss in the unit beside it",
            required=True,
            if_missing="leave the row out",
        ),
        Column("unit", "name", "Unit of the loss, one for each loss set", required=True),
        Column("source", "name", "Where the loss was found", default="unknown"),
    ),
    optional=True,
)

SCHEMA: dict[str, TableSchema] = {t.name: t for t in (_MODELS, _BENCHMARKS, _SCORES, _LOSSES)}
TABLE_NAMES: tuple[str, ...] = tuple(SCHEMA)
SOURCE_FIELDS: tuple[str, ...] = ("release_date", "n_params", "n_tokens")

# What these columns are called elsewhere. Used in hints only: no column is read by such a name.
NEAR_NAMES: dict[str, tuple[str, ...]] = {
    "model": ("name", "model_name", "model_id", "models", "llm", "fullname"),
    "family": ("model_family", "series"),
    "release_date": (
        "date",
        "released",
        "release",
        "publication_date",
        "release_day",
        "upload_date",
    ),
    "n_params": (
        *("params", "parameters", "n_parameters", "num_params", "num_parameters", "size"),
        *("model_size", "param_count", "parameter_count", "params_b", "n_total", "total_params"),
    ),
    "n_active": ("active_params", "n_active_params", "active_parameters", "activated_params"),
    "n_tokens": (
        *("tokens", "training_tokens", "num_tokens", "train_tokens", "token_count", "tokens_t"),
        *("pretraining_tokens", "data_size", "dataset_size"),
    ),
    "is_base": ("base", "base_model", "pretrained"),
    "is_compressed": ("compressed", "quantized", "quantised"),
    "is_reference": ("reference", "ref", "is_ref"),
    "benchmark": ("task", "dataset", "eval", "test", "benchmark_name", "benchmarks"),
    "n_items": ("items", "n_questions", "questions", "num_items", "n_samples", "num_samples"),
    "chance": ("random", "random_baseline", "baseline", "guess", "chance_level"),
    "score": ("accuracy", "acc", "value", "result", "performance", "metric_value", "scores"),
    "shots": ("n_shots", "num_fewshot", "n_shot", "fewshot", "num_shots"),
    "source": ("paper", "reference", "url"),
    "harness": ("framework", "eval_harness"),
    "loss_set": ("corpus", "validation_set"),
}


def squash(name: str) -> str:
    """Return a column's name without case, blanks and punctuation, to compare it by.

    Examples
    --------
    >>> squash("Release Date") == squash("release_date")
    True
    """
    return re.sub(r"[\W_]+", "", name.casefold())
