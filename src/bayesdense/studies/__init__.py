"""Studies: from models and fits to tables that answer one question each."""

from bayesdense.studies import choices
from bayesdense.studies.average_rulers import average_rulers
from bayesdense.studies.compare_rulers import RulerComparison, compare_rulers
from bayesdense.studies.sensitivity import sensitivity
from bayesdense.studies.study import Study

__all__ = [
    "RulerComparison",
    "Study",
    "average_rulers",
    "choices",
    "compare_rulers",
    "sensitivity",
]
