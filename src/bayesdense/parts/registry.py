"""Named parts: a law, map, size or trend is an object or the name it is registered under."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from bayesdense.errors import BayesdenseError, UnknownNameError

__all__ = ["Registry"]


class Registry[T]:
    """Parts of one kind by name.

    Parameters
    ----------
    kind : str
        What the parts are, for messages: ``"loss law"``.
    needs : tuple of str
        Attributes that every part must have.

    Examples
    --------
    >>> laws = Registry("loss law", needs=("loss",))
    >>> @laws.register
    ... class Flat:
    ...     name = "flat"
    ...     def loss(self): return 1.0
    >>> laws.names
    ['flat']
    >>> laws.get("flat").loss()
    1.0
    """

    def __init__(self, kind: str, needs: tuple[str, ...]) -> None:
        self.kind = kind
        self.needs = needs
        self._parts: dict[str, Callable[[], T]] = {}

    @property
    def names(self) -> list[str]:
        """The registered names, in order of registration."""
        return list(self._parts)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._parts)

    def register[C: type](self, part: C) -> C:
        """Add a class under its attribute `name`; usable as a decorator.

        Parameters
        ----------
        part : type
            A class that can be made without arguments and has a string `name`.

        Returns
        -------
        type
            The same class.

        Raises
        ------
        BayesdenseError
            If the class lacks a name or a needed attribute, or another class
            already has the name. The same class may be registered again, as a
            notebook does when a cell is run twice.
        """
        name = getattr(part, "name", None)
        if not isinstance(name, str) or not name:
            raise BayesdenseError(f"a {self.kind} needs a class attribute 'name' that is a string")
        missing = [attribute for attribute in self.needs if not hasattr(part, attribute)]
        if missing:
            raise BayesdenseError(f"the {self.kind} '{name}' lacks {', '.join(missing)}")
        known = self._parts.get(name)
        if known is not None and getattr(known, "__qualname__", None) != part.__qualname__:
            raise BayesdenseError(f"a {self.kind} named '{name}' is already registered")
        self._parts[name] = part
        return part

    def get(self, part: str | T) -> T:
        """Return the part that a name or an object stands for.

        Parameters
        ----------
        part : str or object
            A registered name, or an object that already is such a part.

        Returns
        -------
        object
            A part with all needed attributes.

        Raises
        ------
        UnknownNameError
            If the name is not registered; the message lists the known ones.
        BayesdenseError
            If the object is not such a part.
        """
        if isinstance(part, str):
            if part not in self._parts:
                raise UnknownNameError.of(self.kind, part, self._parts)
            return self._parts[part]()
        made: Any = part() if isinstance(part, type) else part
        missing = [attribute for attribute in ("name", *self.needs) if not hasattr(made, attribute)]
        if missing:
            raise BayesdenseError(
                f"{made!r} is not a {self.kind}: it lacks {', '.join(missing)}; "
                f"registered are {', '.join(self._parts)}"
            )
        return cast(T, made)
