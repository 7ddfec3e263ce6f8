"""Machine code of compiled models on the disk: a new process loads it and compiles nothing.

To rewrite a model's graph and to turn it into code takes half a minute in every new process, also
where Numba finds each function in its cache. The finished machine code is two objects of a few
hundred kilobytes, in which names of functions of Python, Numba and the C library are left open;
LLVM fills them in when it loads them, which takes milliseconds. Files go by everything that the
code depends on: structure of the model, source of this package, versions and processor. Whatever
is wrong with one of them, the model is compiled as if there were none.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import logging
import re
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from bayesdense.data.atomic import write_file
from bayesdense.sampler.backend.erfcx import call_by_name

__all__ = [
    "Callback",
    "ObjectCode",
    "file_of",
    "is_stored",
    "read_objects",
    "symbols_are_known",
    "write_objects",
]

logger = logging.getLogger(__name__)

FORMAT = 1
KEPT_FILES = 60
DEPENDS_ON = ("llvmlite", "numba", "numpy", "nutpie", "pymc", "pytensor", "scipy")
NUMBA_FLAGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "DEBUGINFO_DEFAULT", "BOUNDSCHECK")
# Loaded code is used until the process ends.
_engines: list[Any] = []


@dataclass(frozen=True)
class ObjectCode:
    """What is stored of a compiled model.

    Attributes
    ----------
    names, n_free
        As of `bayesdense.sampler.backend.dynamic_shapes.DynamicModel`.
    dims : mapping of str to sequence of str
        Dimensions by name of a variable.
    transformed : sequence of str
        Free variables as they are sampled that have a transform.
    shared : sequence of (str, str, int)
        Name, type and number of axes of the packed data, in the order in which
        the code expects them.
    density, expanded : str
        Symbols of the two functions that nutpie calls.
    needed : sequence of str
        Symbols that are looked up when the code is loaded.
    objects : sequence of bytes
        Machine code.
    """

    names: tuple[str, ...]
    n_free: int
    dims: Mapping[str, tuple[str, ...]]
    transformed: tuple[str, ...]
    shared: tuple[tuple[str, str, int], ...]
    density: str
    expanded: str
    needed: tuple[str, ...]
    objects: tuple[bytes, ...]

    def load(self) -> dict[str, int]:
        """Return the addresses of the two functions.

        Returns
        -------
        dict of str to int
            By symbol.
        """
        import llvmlite.binding as llvm
        from numba.core.registry import cpu_target

        # Of its own, since an engine deletes its target machine; with the options of Numba's.
        options: dict[str, Any] = {"opt": 3}
        cpu_target.target_context.codegen()._customize_tm_options(options)
        target = llvm.Target.from_triple(llvm.get_process_triple())
        machine = target.create_target_machine(**options)
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        for content in self.objects:
            engine.add_object_file(llvm.ObjectFileRef.from_data(content))
        engine.finalize_object()
        _engines.append(engine)
        return {name: engine.get_function_address(name) for name in (self.density, self.expanded)}


class Callback:
    """A loaded function, as nutpie calls one.

    Parameters
    ----------
    address : int
        Of its code.
    arguments : sequence of ctypes type
        Of its parameters; it returns a whole number of 64 bits.
    """

    def __init__(self, address: int, arguments: tuple[Any, ...]) -> None:
        self.address = address
        self.ctypes = ctypes.CFUNCTYPE(ctypes.c_int64, *arguments)(address)


def symbols_are_known(names: tuple[str, ...]) -> bool:
    """Return whether this process has all of some symbols: LLVM ends it where one is missing.

    Parameters
    ----------
    names : tuple of str
        Symbols.

    Returns
    -------
    bool
    """
    import llvmlite.binding as llvm
    from numba.core.registry import cpu_target

    cpu_target.target_context.refresh()
    call_by_name()
    missing = [name for name in names if not llvm.address_of_symbol(name)]
    if missing:
        logger.info("compiled code is not kept: no symbol %s", ", ".join(missing))
    return not missing


def file_of(structure: Any, packed_data: Any) -> Path | None:
    """Return where the code of a model is stored; None where it must not be.

    Parameters
    ----------
    structure : hashable
        What shapes the graph of the model besides data.
    packed_data : PackedData
        How its data are packed.

    Returns
    -------
    pathlib.Path or None
        None for a part that is not of this package: its code may change while its
        name stays.
    """
    found = _digest(structure)
    if found is None:
        return None
    return _folder() / f"{found}-{hashlib.sha256(repr(packed_data).encode()).hexdigest()[:16]}.zip"


def is_stored(structure: Any) -> bool:
    """Return whether code of a structure is stored, or must not be.

    Parameters
    ----------
    structure : hashable
        As for `file_of`.

    Returns
    -------
    bool
    """
    found = _digest(structure)
    return found is None or any(_folder().glob(f"{found}-*.zip"))


def _folder() -> Path:
    import pytensor

    return Path(pytensor.config.base_compiledir) / "bayesdense"


def _digest(structure: Any) -> str | None:
    """Return what code depends on besides the kinds of data; None for a part from elsewhere."""
    text = repr(structure)
    classes = re.findall(r"<class '([^']*)'>", text)
    # Without any part it does not say what the model is.
    ours = classes and all(name.startswith("bayesdense.") for name in classes)
    if " at 0x" in text or not ours:
        return None
    key = repr((FORMAT, text, _source(), _machine(), _flags()))
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def write_objects(file: Path, code: ObjectCode) -> None:
    """Store code, and delete what has not been used for longest.

    Parameters
    ----------
    file : pathlib.Path
        What `file_of` returned.
    code : ObjectCode
        The code. Where it cannot be written, it is not.
    """

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            about = {name: value for name, value in asdict(code).items() if name != "objects"}
            archive.writestr("about.json", json.dumps(about))
            for number, content in enumerate(code.objects):
                archive.writestr(f"{number}.o", content)

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, write)
        by_age = sorted(file.parent.glob("*.zip"), key=lambda found: found.stat().st_mtime)
        for old in by_age[:-KEPT_FILES]:
            old.unlink(missing_ok=True)
    except OSError as error:
        logger.info("compiled code is not kept: %s", error)


def read_objects(file: Path) -> ObjectCode | None:
    """Return stored code.

    Parameters
    ----------
    file : pathlib.Path
        What `file_of` returned.

    Returns
    -------
    ObjectCode or None
        None where there is no whole file, or this process cannot load it.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            about = json.loads(archive.read("about.json"))
            numbers = range(len(archive.namelist()) - 1)
            objects = tuple(archive.read(f"{number}.o") for number in numbers)
    except FileNotFoundError:
        return None
    except (OSError, zipfile.BadZipFile, ValueError, KeyError) as error:
        logger.info("compiled code is not read: %s", error)
        return None
    with contextlib.suppress(OSError):
        file.touch()
    code = ObjectCode(
        names=tuple(about["names"]),
        n_free=about["n_free"],
        dims={name: tuple(dims) for name, dims in about["dims"].items()},
        transformed=tuple(about["transformed"]),
        shared=tuple((name, dtype, ndim) for name, dtype, ndim in about["shared"]),
        density=about["density"],
        expanded=about["expanded"],
        needed=tuple(about["needed"]),
        objects=objects,
    )
    return code if symbols_are_known(code.needed) else None


@cache
def _source() -> str:
    """Return a digest of the source of this package."""
    found = hashlib.sha256()

    def add(folder: Traversable) -> None:
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.is_dir():
                add(entry)
            elif entry.name.endswith(".py"):
                found.update(entry.name.encode() + entry.read_bytes())

    for part in ("model", "coordinates", "sampler", "parts"):
        add(files("bayesdense").joinpath(part))
    for name in ("priors.py", "spec.py"):
        found.update(files("bayesdense").joinpath(name).read_bytes())
    return found.hexdigest()


@cache
def _machine() -> tuple[Any, ...]:
    """Return versions, and what is compiled for: system, processor and its instructions."""
    import platform

    from numba.core.registry import cpu_target

    versions = tuple(version(name) for name in DEPENDS_ON)
    return (
        *versions,
        platform.python_version(),
        *cpu_target.target_context.codegen().magic_tuple(),
    )


def _flags() -> tuple[Any, ...]:
    """Return the settings of PyTensor and Numba that code depends on, but those of `_compile`."""
    import numba
    import pytensor

    return (
        pytensor.config.floatX,
        pytensor.config.optimizer,
        pytensor.config.optimizer_excluding,
        pytensor.config.optimizer_including,
        *(str(getattr(numba.config, name)) for name in NUMBA_FLAGS),
    )
