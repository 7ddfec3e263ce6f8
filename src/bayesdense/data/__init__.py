"""Data: four tidy tables, checked; where they come from; what to choose from them."""

from bayesdense.data.dataset import Dataset
from bayesdense.data.read import read_dataset, validate
from bayesdense.data.readiness import check_readiness, check_ruler_readiness
from bayesdense.data.shipped import list_datasets, load_dataset

__all__ = [
    "Dataset",
    "check_readiness",
    "check_ruler_readiness",
    "list_datasets",
    "load_dataset",
    "read_dataset",
    "validate",
]
