"""Write the shipped data packages from a folder of fact tables.

    python scripts/build_data.py FOLDER [--out data]

The output is checked in, so this script is not needed to build, install or
test the package. It changes only what the schema requires (the loss table of
``olmo_ladder`` names its loss sets in a column ``benchmark``), adds who trained each
family (``developers.csv`` beside this script) where the table does not say, keeps every other
column and every mark such as 'recalled, unverified' as it is, and gives
the same bytes each time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from bayesdense.data import Dataset, read_dataset
from bayesdense.data.schema import SCHEMA, TABLE_NAMES
from bayesdense.data.write import PACKAGE_FILE, csv_bytes
from bayesdense.errors import BayesdenseError, DataError

APACHE = {
    "name": "Apache-2.0",
    "title": "Apache License 2.0",
    "path": "https://www.apache.org/licenses/LICENSE-2.0",
}
MIT = {"name": "MIT", "title": "MIT License", "path": "https://opensource.org/license/mit"}
CC_BY = {
    "name": "CC-BY-4.0",
    "title": "Creative Commons Attribution 4.0",
    "path": "https://creativecommons.org/licenses/by/4.0/",
}
DEVELOPERS = Path(__file__).parent / "developers.csv"
SHARED_NOTES = [
    "A *_source of 'recalled, unverified' means that nobody has checked the field; "
    "Dataset.select(recalled=False) drops the models that have one.",
]

PACKAGES: dict[str, dict[str, Any]] = {
    "densing5": {
        "title": "Language models from 2020 to 2025 on five core benchmarks",
        "description": (
            "Language models released from May 2020 to September 2025, all but a few of them open, "
            "on MMLU, BBH, MATH, HumanEval and MBPP (core) and five more benchmarks, one row for "
            "each distinct measurement; Llama-1 and Llama-2 are the references, by scores only."
        ),
        "licenses": [APACHE, CC_BY],
        "sources": [
            {"title": "Technical reports and model cards, named in the source column of scores"},
            {
                "title": "OpenCompass (Apache-2.0)",
                "path": "https://github.com/open-compass/opencompass",
            },
            {"title": "Epoch AI model tables (CC-BY)", "path": "https://epoch.ai/data"},
        ],
        "notes": [
            "Equal figures printed by several sources are one row; n_sources counts them, and the "
            "row keeps the most specific harness. The harness 'vendor' collects single reports "
            "and is not one protocol.",
            "Ten OpenCompass figures look like failed answer extraction rather than failed "
            "models: HumanEval of Llama-1-65B, Llama-1-33B, Llama-2-70B, Llama-3-70B, "
            "Mixtral-8x22B and Yi-34B; HellaSwag of Llama-1-33B, Llama-1-65B and Llama-2-70B; "
            "MBPP of Qwen-1.8B. Three of these models are references.",
            "HellaSwag is 0.07 to 0.47 lower in OpenCompass than elsewhere for 15 of the 17 models "
            "that both scored, most for the weaker models: it looks like a harder way of asking, "
            "not like a few failures.",
            "ARC-C mixes two ways of asking, also within the harness 'vendor': multiple choice "
            "(about 0.8 to 0.95) and completion (about 0.6 to 0.7) of the same models.",
            "HumanEval of the Qwen models is 15 to 30 points higher in OpenCompass than in their "
            "own reports.",
            "MBPP mixes prompts with no and with three examples and its full and sanitised sets; "
            "BBH mixes chain of thought with log-probability. shots is filled only where a source "
            "states it.",
            "The chance level of BBH averages 27 tasks and is approximate. An MMLU score is a mean "
            "over subjects, not the share of items answered correctly.",
            "MiniCPM3-4B and StableLM-Zephyr are not base models. Gemma-3n is marked as a mixture "
            "of experts because its effective and total sizes differ. The number of training "
            "tokens is unknown for 26 models.",
            "Before ChatGPT (2022-11-30) MMLU is here for GPT-3, GPT-J, Gopher, GPT-NeoX, "
            "Chinchilla, PaLM and OPT-13B only.",
        ],
    },
    "olmo_ladder": {
        "title": "OLMo-2 ladder: losses and accuracies of one reference family",
        "description": (
            "A reference family with conditional answer losses (bits per byte) and 5-shot "
            "ranked-choice accuracies on 13 benchmarks: 190M to 3.2B parameters at 0.5 to 10 times "
            "Chinchilla tokens, and OLMo-2 7B and 13B."
        ),
        "licenses": [APACHE],
        "sources": [
            {
                "title": "allenai/OLMo-ladder (Apache-2.0)",
                "path": "https://github.com/allenai/OLMo-ladder",
            }
        ],
        "notes": [
            "Each benchmark is its own loss set. All models carry the release day of OLMo-2.",
            "MMLU is split into its four groups of subjects.",
        ],
    },
    "openlm_redpajama": {
        "title": "open_lm on RedPajama: validation losses and downstream scores",
        "description": (
            "A reference family with eight validation losses (nats per token; c4_val predicts all "
            "benchmarks by default) and 14 downstream scores: 11M to 6.9B parameters, 5 to 640 "
            "tokens for each parameter."
        ),
        "licenses": [MIT],
        "sources": [
            {
                "title": "mlfoundations/scaling (MIT)",
                "path": "https://github.com/mlfoundations/scaling",
            }
        ],
        "notes": [
            "MMLU of these models is at chance, so it says next to nothing about the ruler.",
            "14 scores are exactly 0, all on benchmarks with a chance level of 0.",
            "The harness is llm-foundry; it shares no model with the one of leaderboard.",
        ],
    },
    "leaderboard": {
        "title": "Base models on six benchmarks, one harness",
        "description": (
            "Base models on MMLU, ARC-C, HellaSwag, WinoGrande, GSM8K and HumanEval with one "
            "harness; no references of its own, release days for about two thirds."
        ),
        "licenses": [APACHE],
        "sources": [
            {
                "title": "ryoungj/ObsScaling (Apache-2.0)",
                "path": "https://github.com/ryoungj/ObsScaling",
            }
        ],
        "notes": [
            "Every release day here is recalled and unverified.",
            "Mixture models have their total size in n_params and their active one in n_active.",
            "Meta-Llama-3.1-405B-FP8 is a quantised model, but not marked is_compressed.",
            "24 scores are exactly 0: 20 on HumanEval and 4 on GSM8K.",
            "MMLU before ChatGPT is here for OPT-66B, BLOOM and others that densing5 lacks, on "
            "another harness.",
        ],
    },
}

PACKAGES["base_models"] = {
    "title": "Open base models from 2020 to September 2026 on 25 benchmarks",
    "description": (
        "The models of densing5 and 58 later ones, to September 2026, on its five core benchmarks "
        "and twenty more, by 31 harnesses: single reports, and reports that measured several "
        "models under one protocol; Llama-1 and Llama-2 are the references, by scores only."
    ),
    "licenses": [APACHE, CC_BY, MIT],
    "sources": [
        {"title": "Technical reports and model cards, named in the source column of scores"},
        {
            "title": "OpenCompass (Apache-2.0)",
            "path": "https://github.com/open-compass/opencompass",
        },
        {"title": "Epoch AI model tables (CC-BY)", "path": "https://epoch.ai/data"},
        {"title": "models.dev (MIT), for release days", "path": "https://models.dev"},
    ],
    "notes": [
        "What is said of densing5 holds of its models and scores here too.",
        "One model on several harnesses spreads (median, largest range): MMLU 0.006, 0.026; "
        "MMLU-Pro 0.033, 0.095; GSM8K 0.041, 0.137; HumanEval 0.058, 0.345; MATH 0.063, 0.297; "
        "BBH 0.114, 0.207; MBPP 0.12, 0.233.",
        "BBH and MMLU-Pro by log-probability are benchmarks of their own, BBH-MC and MMLU-Pro-MC; "
        "ARC-C above 0.8 is multiple choice (a harness that ends in -mc).",
        "Nearly all models of 2026 are mixtures of experts, so the result depends on whether all "
        "or active parameters count. DeepSeek-V4.1-Flash has a lookup table beside its backbone; "
        "sizes of Ministral-3 include a vision encoder.",
        "Small Falcon3, Ministral-3 and Nemotron-Nano-9B-v2 are pruned or distilled "
        "(is_compressed).",
        "Ling-2.0 models and their twins '(woCoT)' are one base with and without chains of thought "
        "in its data: MATH 62 and 83, MMLU within 0.3.",
        "GSM8K of MiMo-V2.5-Pro (0.996) is suspicious; the order of the baseline columns of the "
        "harness ling-internal was inferred.",
    ],
}
PACKAGES["ikp"] = {
    "title": "Open chat models from 2023 to 2026 on seven tiers of factual questions",
    "description": (
        "Chat models released from September 2023 to June 2026 on seven tiers of factual "
        "questions, from common to rare knowledge, by one harness and one judge (core), and "
        "vendors' MMLU, MMLU-Pro, GPQA-Diamond and SimpleQA beside; no references of its own."
    ),
    "licenses": [CC_BY],
    "sources": [
        {
            "title": "19PINE-AI/ikp, arXiv 2604.24827 (CC BY 4.0)",
            "path": "https://arxiv.org/abs/2604.24827",
        }
    ],
    "notes": [
        "None is a base model: select with base_only=False.",
        "Entries that end in -think are the same weights as their twin, with thinking switched on.",
        "Tier 1 is near the ceiling, tier 7 near the floor; a tier has 101 to 200 items.",
        "All parameters explain these scores better than active ones, which is a finding of the "
        "authors (R2 0.79 and 0.51 in their cohort).",
    ],
}

# What the columns outside the schema hold.
EXTRA_COLUMNS = {
    "is_moe": ("boolean", "Whether total and active sizes differ", ""),
    "is_thinking": ("boolean", "Whether the model thinks before it answers", ""),
    "in_densing_paper": ("boolean", "Whether the Densing Law paper uses the model", ""),
    "n_params_no_embed": ("number", "Parameters without embeddings", "parameters"),
}
FIELD_TYPES = {"name": "string", "text": "string", "date": "date", "bool": "boolean"}


def canonical_frames(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the fact tables of one dataset as text, with the schema's column names.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of one dataset.

    Returns
    -------
    dict of str to pandas.DataFrame
        The tables that are there; cells as they were written.
    """
    frames = {}
    for name in TABLE_NAMES:
        file = folder / f"{name}.csv"
        if not file.is_file():
            continue
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
        if name == "models" and "developer" not in frame:
            frame.insert(list(frame).index("family") + 1, "developer", developers(frame))
        if name == "losses" and "loss_set" not in frame and "benchmark" in frame:
            frame = frame.rename(columns={"benchmark": "loss_set"})
        frames[name] = frame
    return frames


def developers(models: pd.DataFrame) -> pd.Series:
    """Return who trained each model, by its family.

    Parameters
    ----------
    models : pandas.DataFrame
        With the column ``family``.

    Returns
    -------
    pandas.Series

    Raises
    ------
    DataError
        If a family is not in ``developers.csv``.
    """
    table = pd.read_csv(DEVELOPERS, dtype=str, keep_default_na=False).set_index("family")
    unknown = sorted(set(models["family"]) - set(table.index))
    if unknown:
        named = ", ".join(map(repr, unknown))
        raise DataError(f"developers.csv says nothing of the families {named}.")
    return models["family"].map(table["developer"])


def fields_of(table: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Describe the columns of a table as Frictionless fields.

    Parameters
    ----------
    table : str
        Name of the table.
    frame : pandas.DataFrame
        The table as it is written.

    Returns
    -------
    list of dict
        Name, type, description and, for numbers, unit of each column.

    Raises
    ------
    DataError
        When a column is neither in the schema nor described here.
    """
    known = {column.name: column for column in SCHEMA[table].columns}
    fields = []
    for name in frame.columns:
        if name in known:
            column = known[name]
            kind = "integer" if column.integer else FIELD_TYPES.get(column.kind, "number")
            description, unit = column.description, column.unit
        elif name in EXTRA_COLUMNS:
            kind, description, unit = EXTRA_COLUMNS[name]
        else:
            raise DataError(f"{table}: column '{name}' has no description in build_data.py.")
        field: dict[str, Any] = {"name": name, "type": kind, "description": description}
        if unit:
            field["unit"] = unit
        if name in known and known[name].required:
            field["constraints"] = {"required": True}
        fields.append(field)
    return fields


def package_of(
    name: str, frames: dict[str, pd.DataFrame], contents: dict[str, bytes], data: Dataset
) -> dict[str, Any]:
    """Describe one dataset as a Frictionless Data Package.

    Parameters
    ----------
    name : str
        Name of the dataset, a key of `PACKAGES`.
    frames : dict of str to pandas.DataFrame
        Its tables.
    contents : dict of str to bytes
        The same tables as they are written.
    data : Dataset
        The same tables, checked, for the counts.

    Returns
    -------
    dict
        JSON values, without anything that depends on the day or the machine.
    """
    about = PACKAGES[name]
    resources = []
    for table, frame in frames.items():
        schema = {
            "fields": fields_of(table, frame),
            "primaryKey": [key for key in SCHEMA[table].key if key in frame],
            "missingValues": [""],
        }
        resources.append(
            {
                "name": table,
                "path": f"{table}.csv",
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "bytes": len(contents[table]),
                "hash": f"sha256:{hashlib.sha256(contents[table]).hexdigest()}",
                "rows": len(frame),
                "schema": schema,
            }
        )
    return {
        "profile": "tabular-data-package",
        "name": name,
        "title": about["title"],
        "description": about["description"],
        "licenses": about["licenses"],
        "sources": about["sources"],
        "bayesdense": {
            "models": len(data.models),
            "targets": len(data.targets),
            "references": len(data.references),
            "benchmarks": len(data.benchmarks),
            "scores": len(data.scores),
            "losses": len(data.losses),
            "digest": data.digest,
            "notes": [*about["notes"], *SHARED_NOTES],
        },
        "resources": resources,
    }


def build(source: Path, out: Path, name: str) -> Dataset:
    """Write one data package and read it back.

    Parameters
    ----------
    source : pathlib.Path
        Folder that has a folder of this name with the fact tables.
    out : pathlib.Path
        Folder that gets a folder of this name.
    name : str
        Name of the dataset, a key of `PACKAGES`.

    Returns
    -------
    Dataset
        As read back from the files, checksums compared.

    Raises
    ------
    DataError
        When the tables are not valid.
    """
    frames = canonical_frames(source / name)
    contents = {table: csv_bytes(frame) for table, frame in frames.items()}
    missing = [t for t, schema in SCHEMA.items() if t not in frames and not schema.optional]
    if missing:
        raise DataError(f"folder '{source / name}' has no {', '.join(missing)} table.")
    data = Dataset.from_frames(**{t: frames.get(t) for t in TABLE_NAMES}, name=name)  # type: ignore[arg-type]
    package = package_of(name, frames, contents, data)
    target = out / name
    target.mkdir(parents=True, exist_ok=True)
    for table, content in contents.items():
        (target / f"{table}.csv").write_bytes(content)
    text = json.dumps(package, indent=2, ensure_ascii=False) + "\n"
    (target / PACKAGE_FILE).write_bytes(text.encode("utf-8"))
    again = read_dataset(target)
    if again.digest != data.digest:
        raise DataError(f"dataset '{name}' reads back with another digest than it was built with.")
    return again


def main(arguments: list[str] | None = None) -> int:
    """Build the packages whose fact tables are in the folder.

    Parameters
    ----------
    arguments : list of str, optional
        Command line; that of the process by default.

    Returns
    -------
    int
        0 when all were written, 1 when the folder or a table is bad.
    """
    parser = argparse.ArgumentParser(description="Write the shipped data packages.")
    parser.add_argument("folder", type=Path, help="folder of fact tables, a folder a dataset")
    parser.add_argument("--out", type=Path, default=Path("data"), help="where to write (data)")
    options = parser.parse_args(arguments)
    names = [name for name in PACKAGES if (options.folder / name).is_dir()]
    if not names:
        print(f"'{options.folder}' has none of {', '.join(PACKAGES)}.", file=sys.stderr)
        return 1
    try:
        for name in names:
            print(build(options.folder, options.out, name))
    except BayesdenseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
