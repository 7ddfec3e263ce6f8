"""Results of evaluation tools, read as datasets."""

from bayesdense.data.known_benchmarks import known_benchmarks
from bayesdense.readers.lm_eval import lm_eval

__all__ = ["known_benchmarks", "lm_eval"]
