"""Imports go one way, down a list of folders, and no two modules import each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import bayesdense as bd

ROOT = Path(bd.__path__[0])

# Each imports only from those before it.
ORDER = (
    *("_version", "errors", "paper", "priors", "data", "readers", "parts", "spec"),
    *("model", "coordinates", "sampler", "posterior", "tables"),
    *("fit", "models", "studies", "plots", "cli", "__main__"),
)

# Imports that still go the other way, or in a circle, with what is to be done about each.
TODO: dict[tuple[str, str], str] = {}


def name_of(file: Path) -> str:
    """Return the name of a module within the package; a folder's is that of its ``__init__``."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in sorted(ROOT.rglob("*.py"))}


def imported(name: str) -> Iterator[str]:
    """Yield the modules that a module imports, inside functions and for types as well."""
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: imports are absolute"
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in found:
            first, _, rest = target.partition(".")
            # What is no module is a name in one.
            if first == "bayesdense":
                yield rest if rest in MODULES else rest.rpartition(".")[0]


# The package itself imports public names when they are asked for.
GRAPH = {name: sorted(set(imported(name)) - {name}) for name in MODULES if name}


def folder_of(name: str) -> str:
    return name.partition(".")[0]


def test_every_folder_has_its_place():
    assert {folder_of(name) for name in GRAPH} == set(ORDER)


def test_imports_go_down():
    up = {
        (name, target)
        for name, targets in GRAPH.items()
        for target in targets
        if not target or ORDER.index(folder_of(target)) > ORDER.index(folder_of(name))
    }
    known = {arrow for arrow in TODO if folder_of(arrow[0]) != folder_of(arrow[1])}
    assert up == known


def test_no_modules_import_each_other():
    """Take away what imports nothing that is left, or is imported by nothing, until all is gone."""
    left = {
        name: {target for target in targets if target and (name, target) not in TODO}
        for name, targets in GRAPH.items()
    }
    while left:
        wanted = {target for targets in left.values() for target in targets}
        ends = {name for name, ts in left.items() if name not in wanted or not ts & left.keys()}
        assert ends, f"these import each other: {', '.join(sorted(left))}"
        left = {name: targets for name, targets in left.items() if name not in ends}
