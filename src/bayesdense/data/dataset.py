"""The dataset: four tidy tables, and the datasets that can be made from it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bayesdense.data.holder import TableHolder
from bayesdense.data.merge import merge_near_scores
from bayesdense.data.modes import with_mode
from bayesdense.data.reference import borrow_references, swap_references
from bayesdense.data.reports import split_harness
from bayesdense.data.runs import frames_of_runs
from bayesdense.data.select import Day, Names, Selection, keep_scores, select_tables
from bayesdense.data.tables import Tables
from bayesdense.data.validate import validate_tables
from bayesdense.data.wide import frames_of_wide
from bayesdense.data.write import write_folder
from bayesdense.errors import DataError

__all__ = ["Dataset"]


class Dataset(TableHolder):
    """Models, benchmarks, scores and losses, checked and complete.

    A dataset never changes: the frames it hands out are copies (cheap ones,
    pandas copies on write), and every method returns a new dataset. Two
    datasets are equal when their digests are. Make one with `from_frames`,
    `bayesdense.data.read_dataset` or `bayesdense.data.load_dataset`.

    Parameters
    ----------
    tables : Tables
        What `bayesdense.data.validate.validate_tables` returned.
    name : str
        A short name for reports.
    description : str
        One or two sentences for reports.
    sources : iterable of mapping
        Where the data came from, each with a ``title`` and maybe a ``path``.
    selection : iterable of mapping
        What was chosen from a larger dataset; `select` fills it.
    """

    @classmethod
    def from_frames(
        cls,
        *,
        models: pd.DataFrame,
        benchmarks: pd.DataFrame,
        scores: pd.DataFrame,
        losses: pd.DataFrame | None = None,
        name: str = "dataset",
        description: str = "",
        sources: Iterable[Mapping[str, Any]] = (),
    ) -> Dataset:
        """Check frames and make a dataset of them; the frames stay as they are.

        Parameters
        ----------
        models, benchmarks, scores : pandas.DataFrame
            The tables; see `bayesdense.data.schema` for their columns.
        losses : pandas.DataFrame, optional
            Losses of models on loss sets.
        name, description, sources
            As for the class.

        Returns
        -------
        Dataset
            With every optional column filled in.

        Raises
        ------
        DataError
            With every problem that is found.

        Examples
        --------
        >>> Dataset.from_frames(
        ...     models=pd.DataFrame({"model": ["a"], "n_params": [7e9]}),
        ...     benchmarks=pd.DataFrame({"benchmark": ["MMLU"], "n_items": [9], "chance": [0.25]}),
        ...     scores=pd.DataFrame({"model": ["a"], "benchmark": ["MMLU"], "score": [0.45]}),
        ...     name="tiny",
        ... )
        Dataset 'tiny': 1 model (1 target, 0 references), 1 benchmark (1 core), 1 score, 0 losses
        """
        frames = {"models": models, "benchmarks": benchmarks, "scores": scores, "losses": losses}
        for table, frame in frames.items():
            if frame is not None and not isinstance(frame, pd.DataFrame):
                raise DataError(f"{table} is a {type(frame).__name__}; allowed is a DataFrame.")
        tables = validate_tables(frames, where=f"'{name}'")
        return cls(tables, name=name, description=description, sources=sources)

    @classmethod
    def from_losses(
        cls,
        runs: pd.DataFrame,
        *,
        loss_set: str = "validation",
        unit: str = "nats per token",
        name: str = "runs",
        description: str = "",
        sources: Iterable[Mapping[str, Any]] = (),
    ) -> Dataset:
        """Make a dataset of reference runs from a plain table of sizes, tokens and losses.

        Parameters
        ----------
        runs : pandas.DataFrame
            One row for each run: ``n_params``, ``n_tokens``, ``loss``, and any
            column of the models table, such as ``model`` (numbered if not
            there) or ``family`` (one family if not there).
        loss_set : str
            What the losses were measured on.
        unit : str
            Unit of the losses.
        name, description, sources
            As for the class.

        Returns
        -------
        Dataset
            All runs are references; there are no benchmarks and no scores,
            which is enough for `bayesdense.RulerModel`.

        Raises
        ------
        DataError
            With every problem that is found.

        Examples
        --------
        >>> runs = pd.DataFrame(
        ...     {"n_params": [1e8, 1e9], "n_tokens": [2e9, 2e10], "loss": [3.6, 2.9]}
        ... )
        >>> Dataset.from_losses(runs).references["model"].tolist()
        ['run 1', 'run 2']
        """
        return cls.from_frames(
            **frames_of_runs(runs, loss_set=loss_set, unit=unit, name=name),
            name=name,
            description=description,
            sources=sources,
        )

    @classmethod
    def from_wide(
        cls,
        frame: pd.DataFrame,
        *,
        models: pd.DataFrame,
        benchmarks: pd.DataFrame | None = None,
        names: Mapping[str, str] | None = None,
        percent: bool = False,
        harness: str = "default",
        source: str = "unknown",
        name: str = "dataset",
        description: str = "",
        sources: Iterable[Mapping[str, Any]] = (),
    ) -> Dataset:
        """Make a dataset of a table with models in rows and benchmarks in columns.

        Parameters
        ----------
        frame : pandas.DataFrame, shape (model, benchmark)
            Scores; an empty cell is no score. Names of models are its index, or
            its column ``model``; every other column is a benchmark.
        models : pandas.DataFrame
            The models table, by the same names.
        benchmarks : pandas.DataFrame, optional
            ``benchmark``, ``n_items``, ``chance`` of those that
            `bayesdense.readers.known_benchmarks` does not have, or to replace them.
        names : mapping of str to str, optional
            Benchmark by column, where a column is called otherwise.
        percent : bool
            Whether scores are in per cent; if not, they are fractions.
        harness, source : str
            Of all scores.
        name, description, sources
            As for the class.

        Returns
        -------
        Dataset

        Raises
        ------
        DataError
            If a model or a benchmark is not known, a cell is no number, or scores
            look like per cent where fractions are read, or the other way round.

        Examples
        --------
        >>> wide = pd.DataFrame({"MMLU": [70.5, 61.0], "mmlu pro": [44.0, None]}, index=["A", "B"])
        >>> about = pd.DataFrame({"n_params": [8e9, 2e9]}, index=["A", "B"])
        >>> Dataset.from_wide(wide, models=about, percent=True).scores["score"].tolist()
        [0.705, 0.61, 0.44]
        """
        frames = frames_of_wide(
            frame,
            models=models,
            benchmarks=benchmarks,
            names=names,
            percent=percent,
            harness=harness,
            source=source,
        )
        return cls.from_frames(**frames, name=name, description=description, sources=sources)

    def _with(self, tables: Tables, entries: Selection, **more: Any) -> Dataset:
        about = {
            "name": self.name,
            "description": self.description,
            "sources": self.sources,
            **more,
        }
        return type(self)(tables, selection=[*self.selection, *entries], **about)

    def select(
        self,
        *,
        since: Day | None = None,
        until: Day | None = None,
        models: Names | None = None,
        benchmarks: Names | None = None,
        loss_sets: Names | None = None,
        families: Names | None = None,
        harness: Names | None = None,
        min_params: float | None = None,
        max_params: float | None = None,
        base_only: bool | None = None,
        compressed: bool | None = None,
        recalled: bool | Names | None = None,
        min_benchmarks: int | None = None,
        references: bool | None = None,
    ) -> Dataset:
        """Choose models, benchmarks and scores.

        Filters on models speak of targets; reference models are the ruler and
        stay. Where the dataset has no targets, they apply to the references.

        Parameters
        ----------
        since, until : str or date, optional
            First and last day of release, both included. A model without a
            date is in no window.
        models, families : str or iterable of str, optional
            Targets to keep.
        benchmarks : str or iterable of str, optional
            Benchmarks to keep for all models; they become the core ones, in
            this order. By default all stay, and studies use the core ones.
        loss_sets : str or iterable of str, optional
            Loss sets whose losses are kept. A benchmark whose loss set is
            gone is read off scores only.
        harness : str or iterable of str, optional
            Harnesses whose scores are kept, for all models.
        min_params, max_params : float, optional
            Smallest and largest ``n_params``, both included.
        base_only : bool, optional
            True keeps pretrained models only.
        compressed : bool, optional
            False keeps uncompressed models, True compressed ones.
        recalled : bool or iterable of str, optional
            False drops models of which the date, the size or the number of
            tokens has a source marked 'recalled'. A collection of
            ``"release_date"``, ``"n_params"``, ``"n_tokens"`` names the
            fields that may be recalled. True and None keep all.
        min_benchmarks : int, optional
            Smallest number of core benchmarks that a model has a score on,
            after `benchmarks` and `harness` have been applied.
        references : bool, optional
            True applies the filters to references too, False never.

        Returns
        -------
        Dataset
            Scores and losses of dropped models are gone; `selection` says
            what was applied and how much it dropped.

        Raises
        ------
        UnknownNameError
            A name that the dataset does not have.
        DataError
            A value that is not allowed, or filters that leave nothing.

        Examples
        --------
        >>> from bayesdense.data import load_dataset
        >>> load_dataset("olmo_ladder").select(max_params=5e9, benchmarks="HellaSwag")
        Dataset 'olmo_ladder': 30 models (0 targets, 30 references), 1 benchmark (1 core), 30 \
scores, 390 losses
        """
        tables, entries = select_tables(
            self.tables,
            since=since,
            until=until,
            models=models,
            benchmarks=benchmarks,
            loss_sets=loss_sets,
            families=families,
            harness=harness,
            min_params=min_params,
            max_params=max_params,
            base_only=base_only,
            compressed=compressed,
            recalled=recalled,
            min_benchmarks=min_benchmarks,
            references=references,
        )
        return self._with(tables, entries)

    def keep_scores(self, keep: Any, *, reason: str) -> Dataset:
        """Return the dataset with some of its scores.

        Parameters
        ----------
        keep : array-like of bool, shape (score,)
            Which scores to keep, in the order of `scores`.
        reason : str
            Why, in a few words; `selection` shows it.

        Returns
        -------
        Dataset
            With all models, also those without a score.

        Raises
        ------
        DataError
            If there is not one truth value for each score, or none is kept.

        Examples
        --------
        >>> from bayesdense.data import load_dataset
        >>> data = load_dataset("densing5")
        >>> low = data.keep_scores(data.scores["score"] < 0.9, reason="scores below 0.9")
        >>> bool(low.scores["score"].max() < 0.9)
        True
        """
        tables, entry = keep_scores(self.tables, keep, reason)
        return self._with(tables, [entry])

    def with_reference(
        self,
        *,
        families: Names | None = None,
        models: Names | None = None,
        dense: bool = False,
        dataset: Dataset | None = None,
    ) -> Dataset:
        """Exchange the reference models, or borrow another dataset's.

        Parameters
        ----------
        families, models : str or iterable of str, optional
            The new references: models in a named family and named themselves,
            where both are given. With `dataset`, which of its references to
            borrow, all by default.
        dense : bool
            True leaves mixture models out of the references.
        dataset : Dataset, optional
            The dataset to borrow from. Only benchmarks that both have remain,
            with this dataset's items and chance and the other's loss sets.
            Harness names stay as they are. Losses are the lender's only.

        Returns
        -------
        Dataset
            All models that are not references now are targets.

        Raises
        ------
        UnknownNameError
            A family or model that is not there.
        DataError
            No choice at all, a model in both datasets, no shared benchmark,
            or chance that differs by more than 0.01.

        Examples
        --------
        >>> from bayesdense.data import load_dataset
        >>> data = load_dataset("densing5").with_reference(families="Llama-2")
        >>> data.references["model"].tolist()
        ['Llama-2-13B', 'Llama-2-70B', 'Llama-2-7B']
        """
        if dataset is None:
            swapped = swap_references(self.tables, families=families, models=models, dense=dense)
            return self._with(*swapped)
        if not isinstance(dataset, Dataset):
            raise DataError(f"dataset={dataset!r}: allowed is a Dataset, as load_dataset gives.")
        tables, entries = borrow_references(
            self.tables,
            dataset.tables,
            lender_name=dataset.name,
            families=families,
            models=models,
            dense=dense,
        )
        sources = [*self.sources, *(s for s in dataset.sources if s not in self.sources)]
        return self._with(tables, entries, name=f"{self.name} on {dataset.name}", sources=sources)

    def without_references(self) -> Dataset:
        """Return the same models with none of them a reference.

        Returns
        -------
        Dataset
            All models are targets.

        Examples
        --------
        >>> from bayesdense.data import load_dataset
        >>> data = load_dataset("densing5").without_references()
        >>> len(data.references), len(data.targets) == len(data.models)
        (0, True)
        """
        models = self.tables.models.assign(is_reference=False)
        return self._with(self.tables.replace(models=models), [])

    def merge_scores(self, tolerance: float = 0.001) -> Dataset:
        """Merge scores of one model and benchmark that differ by at most `tolerance`.

        Parameters
        ----------
        tolerance : float
            Largest difference, as a fraction; 0.001 is 0.1 point.

        Returns
        -------
        Dataset
            As `bayesdense.data.merge.merge_near_scores` describes.

        Raises
        ------
        DataError
            When the tolerance is not a fraction.
        """
        tables = self.tables
        merged = merge_near_scores(tables.scores, tolerance=tolerance)
        entry = {
            "filter": "merge_scores",
            "value": float(tolerance),
            "dropped_models": 0,
            "dropped_scores": len(tables.scores) - len(merged),
            "dropped_losses": 0,
            "references_too": True,
        }
        return self._with(tables.replace(scores=merged), [entry])

    def split_harness(self, harness: str = "vendor") -> Dataset:
        """Let every report that a harness collects be a harness of its own.

        A report measures its models in one way, so that what is off in it is off
        for all of them. Split so, each report has an offset on each benchmark
        (a release effect), and not only a noise of its own for each score. Quoted
        figures are best merged before (`merge_scores`).

        Parameters
        ----------
        harness : str
            Whose scores are split by ``source``.

        Returns
        -------
        Dataset
            With the harness ``"<harness>: <source>"`` for those scores.

        Raises
        ------
        UnknownNameError
            If no score is by that harness.
        DataError
            If scores of it name no source.

        Examples
        --------
        >>> from bayesdense.data import load_dataset
        >>> data = load_dataset("densing5")
        >>> split = data.split_harness("vendor")
        >>> len(set(data.scores["harness"])), len(set(split.scores["harness"]))
        (4, 56)
        """
        scores = split_harness(self.tables.scores, harness)
        entry = {
            "filter": "split_harness",
            "value": harness,
            "dropped_models": 0,
            "dropped_scores": 0,
            "dropped_losses": 0,
            "references_too": True,
        }
        return self._with(self.tables.replace(scores=scores), [entry])

    def with_mode(
        self, mode: str, models: Names, *, weights_of: Mapping[str, str] | None = None
    ) -> Dataset:
        """Treat a mode that some models were run in as a harness of its own.

        A model that thinks before it answers scores better without being
        another one. As a harness, the mode has an offset on each benchmark, and
        two entries of one set of weights are one model with one density, not two.
        Entries that were run both with the mode and without are what tells the offset
        apart from the models; without any of them it goes with the dates of the
        models that were run in it. Each harness has an offset of its own for the mode.

        Parameters
        ----------
        mode : str
            Its name, such as ``"thinking"``.
        models : str or iterable of str
            What was run in it.
        weights_of : mapping of str to str, optional
            Of some of them, the entry that has the same weights and was run
            without: the scores of both become that entry's. Losses of the keys
            are left out.

        Returns
        -------
        Dataset
            With the harness ``"<harness>, <mode>"`` for the scores of `models`.

        Raises
        ------
        UnknownNameError
            If a model is not there.
        DataError
            If no mode or no model is named, two entries cannot have the same
            weights, since they differ in size, tokens, date, family or in being a
            reference, or a model would have two scores of one source in one mode.

        Examples
        --------
        >>> from bayesdense.data import load_dataset
        >>> data = load_dataset("ikp")
        >>> thinking = data.models.loc[data.models["is_thinking"], "model"].tolist()
        >>> twins = {name: name.removesuffix("-think") for name in thinking}
        >>> twins = {a: b for a, b in twins.items() if a != b and b in set(data.models["model"])}
        >>> one_each = data.with_mode("thinking", thinking, weights_of=twins)
        >>> len(data.models), len(one_each.models)
        (100, 93)
        """
        twins = {} if weights_of is None else weights_of
        tables = with_mode(self.tables, mode, models, twins)
        entry = {
            "filter": "with_mode",
            "value": mode,
            "dropped_models": len(twins),
            "dropped_scores": 0,
            "dropped_losses": len(self.losses) - len(tables.losses),
            "references_too": True,
        }
        return self._with(tables, [entry])

    def to_folder(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the tables as CSV files that `read_dataset` reads back, all or nothing.

        Parameters
        ----------
        path : path-like
            A folder that is new or empty.
        overwrite : bool
            Whether a folder that holds a dataset, and nothing else, is replaced.

        Returns
        -------
        pathlib.Path
            The folder, with ``models.csv``, ``benchmarks.csv``,
            ``scores.csv``, ``losses.csv`` where there are losses, and
            ``datapackage.json`` with name, description and sources.

        Raises
        ------
        DataError
            When something else is there already.
        """
        about = {
            "name": self.name,
            "description": self.description,
            "sources": self.sources,
            "bayesdense": {"selection": self.selection},
        }
        return write_folder(self.tables, path, about=about, overwrite=overwrite)
