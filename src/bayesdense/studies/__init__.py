"""Studies: from models and fits to tables that answer one question each."""

from bayesdense.studies.average_rulers import average_rulers
from bayesdense.studies.compare_rulers import RulerComparison, compare_rulers

__all__ = ["RulerComparison", "average_rulers", "compare_rulers"]
