"""The public face: names, signatures, examples in docstrings."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import bayesdense as bd


def modules():
    return [
        info.name
        for info in pkgutil.walk_packages(bd.__path__, "bayesdense.")
        if not info.name.startswith("bayesdense._")
    ]


def test_every_public_name_is_there_and_documented():
    for name in bd.__all__:
        value = getattr(bd, name)
        assert name == "__version__" or inspect.getdoc(value), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        bd.nothing  # noqa: B018
    assert set(dir(bd)) == set(bd.__all__)


@pytest.mark.parametrize("name", modules())
def test_examples_in_docstrings_run(name):
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE
    failed, _ = doctest.testmod(module, optionflags=flags)
    assert failed == 0


PUBLIC = [
    *[getattr(bd.DensityFit, n) for n in vars(bd.DensityFit) if not n.startswith("_")],
    *[getattr(bd.DensityModel, n) for n in vars(bd.DensityModel) if not n.startswith("_")],
    bd.DensityModel.__init__,
    bd.Dataset.select,
    bd.Dataset.with_reference,
]


FUNCTIONS = [f for f in PUBLIC if inspect.isfunction(f)]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__qualname__)
def test_options_are_keywords_and_documented(function):
    """At most one thing comes by position: the data or the path."""
    parameters = list(inspect.signature(function).parameters.values())
    # Changes of a model are its own arguments, which it checks by name.
    if function.__name__ != "replace":
        assert all(p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters)
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
    assert len(positional) <= 1
    if function is not bd.DensityModel.__init__:
        text = inspect.getdoc(function)
        for parameter in parameters:
            assert parameter.name == "self" or parameter.name in text, parameter.name
        assert "Returns" in text
