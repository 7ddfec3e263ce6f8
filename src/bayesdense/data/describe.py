"""Say in a line or a small table what a dataset holds."""

from __future__ import annotations

import pandas as pd

from bayesdense.data.tables import Tables

__all__ = ["describe_tables", "summarise_tables"]


def describe_tables(tables: Tables, *, name: str) -> str:
    """Return one line with the name and the counts."""
    total = len(tables.models)
    references = int(tables.models["is_reference"].sum())
    core = int(tables.benchmarks["core"].sum())
    return (
        f"Dataset '{name}': {_count(total, 'model')} ({_count(total - references, 'target')}, "
        f"{_count(references, 'reference')}), {_count(len(tables.benchmarks), 'benchmark')} "
        f"({core} core), {_count(len(tables.scores), 'score')}, "
        f"{_count(len(tables.losses), 'loss', 'losses')}"
    )


def summarise_tables(tables: Tables) -> pd.DataFrame:
    """Count models and scores by benchmark, as `Dataset.summary` describes."""
    references = set(tables.models.loc[tables.models["is_reference"], "model"])
    rows = []
    for _, row in tables.benchmarks.iterrows():
        scores = tables.scores[tables.scores["benchmark"] == row["benchmark"]]
        models = set(scores["model"])
        rows.append(
            {
                "benchmark": row["benchmark"],
                "core": row["core"],
                "n_models": len(models),
                "n_targets": len(models - references),
                "n_references": len(models & references),
                "n_scores": len(scores),
                "chance": row["chance"],
                "n_items": row["n_items"],
                "harnesses": ", ".join(sorted(set(scores["harness"]))),
            }
        )
    return pd.DataFrame(rows)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
