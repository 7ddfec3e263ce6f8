"""Studies: from models and fits to tables that answer one question each."""

from bayesdense.studies import choices
from bayesdense.studies.agreement import ruler_agreement
from bayesdense.studies.average_rulers import average_rulers
from bayesdense.studies.compare_rulers import RulerComparison, compare_rulers
from bayesdense.studies.contamination import tipping_points
from bayesdense.studies.correlations import benchmark_correlations
from bayesdense.studies.differences import growth_differences
from bayesdense.studies.influence import influence
from bayesdense.studies.missing import missing_scores
from bayesdense.studies.prior_sensitivity import prior_sensitivity
from bayesdense.studies.sensitivity import sensitivity
from bayesdense.studies.study import Study
from bayesdense.studies.validation import Validation, leave_future_out, leave_groups_out

__all__ = [
    "RulerComparison",
    "Study",
    "Validation",
    "average_rulers",
    "benchmark_correlations",
    "choices",
    "compare_rulers",
    "growth_differences",
    "influence",
    "leave_future_out",
    "leave_groups_out",
    "missing_scores",
    "prior_sensitivity",
    "ruler_agreement",
    "sensitivity",
    "tipping_points",
]
