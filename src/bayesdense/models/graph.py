"""A model as a graph, where Graphviz is installed; where it is not, what to install."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from bayesdense.errors import BayesdenseError

__all__ = ["graph_of"]

NO_PACKAGE = (
    "a graph of the model needs the Python package graphviz: install it with "
    "'pip install graphviz', and the program Graphviz to draw it"
)
NO_PROGRAM = (
    "a graph is drawn by the program 'dot', which is not installed: install Graphviz with "
    "'apt install graphviz', 'brew install graphviz' or 'conda install graphviz'; the attribute "
    "'source' of the graph is its text, and needs no program"
)


def graph_of(model: Any) -> Any:
    """Return a PyMC model as a graph.

    Parameters
    ----------
    model : pymc.Model
        The model.

    Returns
    -------
    graphviz.Digraph
        By `pymc.model_to_graphviz`; without the program ``dot``, drawing it
        raises a `BayesdenseError`.

    Raises
    ------
    BayesdenseError
        If the package ``graphviz`` is not installed.
    """
    import pymc as pm

    try:
        from graphviz import ExecutableNotFound
    except ImportError:
        raise BayesdenseError(NO_PACKAGE) from None
    graph = pm.model_to_graphviz(model)
    # A notebook shows it by `pipe`, a file is written by `render`.
    graph.pipe = _or_say_so(graph.pipe, ExecutableNotFound)
    graph.render = _or_say_so(graph.render, ExecutableNotFound)
    return graph


def _or_say_so(draw: Callable[..., Any], missing: type[Exception]) -> Callable[..., Any]:
    @functools.wraps(draw)
    def drawn(*args: Any, **options: Any) -> Any:
        try:
            return draw(*args, **options)
        except missing:
            raise BayesdenseError(NO_PROGRAM) from None

    return drawn
