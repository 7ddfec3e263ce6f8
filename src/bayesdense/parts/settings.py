"""What a law, map or size definition of the user's own was made with."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np

__all__ = ["call_of", "settings_of"]

PLAIN = (bool, int, float, str, bytes, type(None))


def settings_of(part: Any) -> dict[str, str]:
    """Return the settings of a part as text that is the same in every session.

    Parameters
    ----------
    part : object
        With attributes of its own; what it has worked out is none.

    Returns
    -------
    dict of str to str
        By name. Numbers, texts, arrays, and lists and dicts of these; others,
        such as functions, have no such text and are left out.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> settings_of(SimpleNamespace(bend=0.4, of=("a", 1), name_of=str.lower))
    {'bend': '0.4', 'of': "('a', 1)"}
    """
    own = getattr(part, "__dict__", {})
    kept = {n: v for n, v in own.items() if not isinstance(_of_class(part, n), cached_property)}
    texts = {name: _text(value) for name, value in sorted(kept.items())}
    return {name: text for name, text in texts.items() if text is not None}


def call_of(part: Any) -> str:
    """Return the call that makes a part.

    Parameters
    ----------
    part : object
        Whose settings are called as its arguments are.

    Returns
    -------
    str
    """
    given = ", ".join(f"{name}={text}" for name, text in settings_of(part).items())
    return f"{type(part).__name__}({given})"


def _of_class(part: Any, name: str) -> Any:
    return next((vars(c)[name] for c in type(part).__mro__ if name in vars(c)), None)


def _text(value: Any) -> str | None:
    """Return a value as text, or None where none stands for it."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, np.ndarray) and value.dtype != object:
        # All of it counts, and numpy leaves out the middle of what is long.
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return f"<array {value.dtype} {value.shape} {digest[:12]}>"
    if isinstance(value, tuple | list | set | frozenset | dict):
        inside = value.items() if isinstance(value, dict) else value
        parts = [_text(one) for one in inside]
        if isinstance(value, set | frozenset):
            parts.sort(key=str)
        if None in parts:
            return None
        simple = all(isinstance(one, PLAIN) for one in inside)
        if simple and not isinstance(value, set | frozenset):
            return repr(value)
        return f"{type(value).__name__}({', '.join(map(str, parts))})"
    return None
