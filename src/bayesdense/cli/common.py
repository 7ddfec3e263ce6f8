"""What commands share: plain errors, exit codes, and the choice of data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from bayesdense.cli.stopping import exit_code, stop_on_signals

if TYPE_CHECKING:
    from bayesdense.data import Dataset

__all__ = ["NOT_TRUSTED", "chosen_by_default", "chosen_data", "plain_errors", "shipped"]

BAD_INPUT = 1
NOT_TRUSTED = 3

HINTS = {
    "with_reference(": " (on the command line: --reference FAMILY or --reference-dataset NAME)",
    "use prior='none'": " (on the command line: --prior none)",
    "trend='none' gives": " (on the command line: bayesdense fit --trend none)",
}
"""What an option is called that a message names by its argument, by words of the message."""

MIN_BENCHMARKS = 3
SINCE = {"densing5": "2023-02-01"}
"""First day of release by shipped dataset: where the paper's own trend begins."""


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


@contextmanager
def plain_errors(left: Callable[[], str] = lambda: "nothing was written") -> Iterator[None]:
    """Turn errors on purpose, signals that end the process and warnings into one line each.

    Parameters
    ----------
    left : callable
        Says what there is after Ctrl-C or another signal.
    """
    from bayesdense.errors import BayesdenseError, BayesdenseWarning, DiagnosticsWarning

    shown: set[str] = set()
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, BayesdenseWarning):
            usual(message, category, *place, **more)
        # The verdict is printed with the result, and notes once for all fits.
        elif not issubclass(category, DiagnosticsWarning) and str(message) not in shown:
            shown.add(str(message))
            typer.echo(f"warning: {' '.join(str(message).split())}", err=True)

    try:
        with stop_on_signals(), warnings.catch_warnings():
            warnings.simplefilter("always", BayesdenseWarning)
            warnings.showwarning = show
            yield
    except KeyboardInterrupt as stop:
        detail = str(stop) or "interrupted"
        _stop(f"{detail}; {left()}", exit_code())
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has enough; Click ends quietly.
        raise
    except (BayesdenseError, OSError) as error:
        hint = "".join(hint for words, hint in HINTS.items() if words in str(error))
        _stop(f"error: {error}{hint}", BAD_INPUT)


def chosen_data(
    name: str,
    *,
    reference: list[str] | None,
    reference_dataset: str | None,
    since: str | None,
    until: str | None,
    benchmark: list[str] | None,
    min_benchmarks: int | None,
    all_models: bool,
    references: bool = True,
) -> Dataset:
    """Load a dataset and choose from it by the rule that `fit --help` states."""
    data = named_data(name)
    if reference_dataset is not None:
        data = data.with_reference(
            families=reference or None, dataset=named_data(reference_dataset)
        )
    elif reference:
        data = data.with_reference(families=reference)
    elif not references:
        # Before the choice, so that it goes for those that would be references as well.
        data = data.without_references()
    count = len(dict.fromkeys(benchmark)) if benchmark else len(data.core_benchmarks)
    rule: dict[str, Any] = {}
    if not all_models:
        rule = {
            "since": SINCE.get(name),
            # A dataset of chat models is taken as it is.
            "base_only": bool(data.targets["is_base"].any()) or None,
            "compressed": False,
            "min_benchmarks": min(MIN_BENCHMARKS, count) or None,
        }
    asked = {
        "since": since,
        "until": until,
        "benchmarks": benchmark or None,
        "min_benchmarks": min_benchmarks,
    }
    return data.select(**rule | {key: value for key, value in asked.items() if value is not None})


def chosen_by_default(name: str) -> Dataset:
    """Load a dataset and choose from it as `fit` does where nothing is asked for."""
    return chosen_data(
        name,
        reference=None,
        reference_dataset=None,
        since=None,
        until=None,
        benchmark=None,
        min_benchmarks=None,
        all_models=False,
    )


def named_data(given: str) -> Dataset:
    """Load a shipped dataset by its name, or a folder."""
    from bayesdense.data import load_dataset
    from bayesdense.errors import BayesdenseError

    if not given.strip():
        raise BayesdenseError("the name of a dataset is empty; give a name or a folder")
    # A folder in the working directory may be named without a separator too.
    is_shipped_name = not ("/" in given or "\\" in given) and not Path(given).is_dir()
    return load_dataset(given if is_shipped_name or given in shipped() else Path(given))


def shipped() -> list[str]:
    """Return the names of the datasets that come with the package."""
    from bayesdense.data import list_datasets

    return [str(name) for name in list_datasets()["dataset"]]
