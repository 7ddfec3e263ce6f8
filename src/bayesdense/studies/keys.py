"""Names for results that no other data, model or settings have, and where they are kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from types import CodeType
from typing import Any

from bayesdense._version import __version__
from bayesdense.errors import BayesdenseError
from bayesdense.sampler.settings import SamplingSettings
from bayesdense.spec import RulerSpec

__all__ = ["key_of", "store_at"]


def key_of(data_digest: str, spec: RulerSpec, settings: SamplingSettings, *more: Any) -> str:
    """Return a name for the result of one fit.

    Parameters
    ----------
    data_digest : str
        Of the dataset.
    spec : RulerSpec
        The composition of the model.
    settings : SamplingSettings
        How it is sampled; how many chains run at a time changes nothing.
    *more
        What else the result depends on, as plain values.

    Returns
    -------
    str
    """
    sampled = dataclasses.asdict(settings) | {"cores": None}
    own = [_code_of(part) for part in (spec.law, spec.score_map, spec.size)]
    own += [_code_of(part) for part in (getattr(spec, "trend", None),) if part is not None]
    parts = [data_digest, spec.to_dict(), own, sampled, *more, __version__]
    text = json.dumps(parts, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def store_at(store: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder for results, made where it is missing.

    Parameters
    ----------
    store : path-like or None
        As the user gave it.

    Returns
    -------
    pathlib.Path or None
        None where nothing is to be stored.

    Raises
    ------
    BayesdenseError
        If there cannot be such a folder.
    """
    if store is None:
        return None
    folder = Path(store)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BayesdenseError(
            f"store='{folder}' cannot be a folder: {error.strerror or error}"
        ) from None
    return folder


def _code_of(part: Any) -> list[Any]:
    """Return what a part does: one of the user's own can change and keep its name."""
    members = sorted(vars(type(part)).items())
    # Functions that it was made with; other settings are in the composition.
    members += sorted(getattr(part, "__dict__", {}).items())
    codes = [(name, getattr(member, "__code__", None)) for name, member in members]
    return [(name, _constants(code)) for name, code in codes if code is not None]


def _constants(code: CodeType) -> list[Any]:
    """Return code as plain values, without the addresses that a function inside it has."""
    inside = [_constants(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), list(code.co_names), inside]
