"""Ready-made choices for `sensitivity`: options by label, the usual one first.

What is called the usual option leaves model and data as they are, so it is whatever these are.
"""

from bayesdense.studies.choices.benchmarks import (
    GROUPS,
    benchmark_groups,
    benchmark_subsets,
    benchmarks_left_out,
    one_benchmark_at_a_time,
)
from bayesdense.studies.choices.datasets import (
    high_scores,
    merged,
    recalled,
    references,
    selections,
    windows,
)
from bayesdense.studies.choices.models import (
    families,
    model_options,
    priors,
    size_slope,
    sizes,
    structure,
    trends,
)
from bayesdense.studies.choices.publication import age_of_benchmarks, publication

__all__ = [
    "GROUPS",
    "age_of_benchmarks",
    "benchmark_groups",
    "benchmark_subsets",
    "benchmarks_left_out",
    "families",
    "high_scores",
    "merged",
    "model_options",
    "one_benchmark_at_a_time",
    "priors",
    "publication",
    "recalled",
    "references",
    "selections",
    "size_slope",
    "sizes",
    "structure",
    "trends",
    "windows",
]
