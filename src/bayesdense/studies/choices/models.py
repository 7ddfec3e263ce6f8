"""Which model: its parts, its structure, its priors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bayesdense.errors import BayesdenseError
from bayesdense.priors import Prior
from bayesdense.studies.sensitivity import Options

__all__ = ["families", "model_options", "priors", "size_slope", "sizes", "structure", "trends"]


def model_options(name: str, values: Iterable[Any]) -> Options:
    """Return values of one argument of `DensityModel`, the usual first.

    Parameters
    ----------
    name : str
        The argument, such as ``"law"`` or ``"reference_residual"``.
    values : iterable
        Its values.

    Returns
    -------
    dict of str to change

    Examples
    --------
    >>> from bayesdense.studies import choices
    >>> choices.model_options("d0", [1e12, 1e13])
    {'1e+12': {'d0': 1000000000000.0}, '1e+13': {'d0': 10000000000000.0}}
    """
    values = list(values)
    labels = [f"{v:g}" if isinstance(v, float) else str(getattr(v, "name", v)) for v in values]
    # Two of one name, such as change-points at two dates, are told apart by their settings.
    labels = [
        label if labels.count(label) == 1 else repr(v)
        for label, v in zip(labels, values, strict=True)
    ]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise BayesdenseError(f"two values of {name} cannot be told apart: both are {twice}")
    return {label: {name: value} for label, value in zip(labels, values, strict=True)}


def sizes() -> Options:
    """Return total and active parameters.

    Returns
    -------
    dict of str to change
    """
    return {"total parameters": {"size": "total"}, "active parameters": {"size": "active"}}


def trends() -> Options:
    """Return the typical model and the frontier.

    Returns
    -------
    dict of str to change
    """
    return {"typical": {"trend": "linear"}, "frontier": {"trend": "frontier"}}


def families() -> Options:
    """Return developers and families with deviations in common, families only, and none.

    Returns
    -------
    dict of str to change
    """
    return {
        "developers and families": {"families": "nested"},
        "families": {"families": True},
        "no families": {"families": False},
    }


def size_slope() -> Options:
    """Return size slopes by benchmark, and none.

    Returns
    -------
    dict of str to change
    """
    return {"size slopes": {"size_slope": "by-benchmark"}, "no size slope": {"size_slope": "none"}}


def structure() -> Options:
    """Return the full form, without single parts, and pooled.

    Returns
    -------
    dict of str to change
    """
    return {
        "full": {"form": "full"},
        "without families": {"form": "full", "families": False},
        "without size slopes": {"form": "full", "size_slope": "none"},
        "without harness offsets": {"form": "full", "harness_offsets": False},
        "growth in common": {"form": "full", "growth": "common"},
        "pooled": {"form": "pooled"},
    }


def priors(alternatives: Mapping[str, Mapping[str, Prior]]) -> Options:
    """Return the priors as they are, and named alternatives.

    Parameters
    ----------
    alternatives : mapping of str to mapping of str to Prior
        By label: priors by parameter, as `DensityModel` takes them.

    Returns
    -------
    dict of str to change
    """
    return {"usual priors": None, **{n: {"priors": dict(p)} for n, p in alternatives.items()}}
