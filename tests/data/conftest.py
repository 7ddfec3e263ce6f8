from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from bayesdense.data import Dataset, read_dataset

MODELS = """model,family,release_date,n_params,n_active,n_tokens,is_base,is_reference
ref-1,Ref,2023-01-01,1e9,,1e12,true,true
ref-7,Ref,2023-01-01,7e9,,1e12,true,true
new-2,New,2023-06-01,2e9,1e9,2e12,true,false
new-9,New,2023-12-01,9e9,,,false,false
solo,,2024-06-01,4e9,,,true,false
"""
BENCHMARKS = """benchmark,n_items,chance,core
MMLU,14042,0.25,true
MATH,5000,0,true
GSM8K,1319,0,false
"""
SCORES = """model,benchmark,score,harness,source,n_sources
ref-1,MMLU,0.30,lm-eval,paper A,1
ref-7,MMLU,0.45,lm-eval,paper A,2
ref-1,MATH,0.05,lm-eval,paper A,1
ref-7,MATH,0.10,lm-eval,paper A,1
new-2,MMLU,0.50,lm-eval,paper B,1
new-2,MATH,0.20,lm-eval,paper B,1
new-9,MMLU,0.60,lm-eval,paper B,1
solo,MMLU,0.65,lm-eval,paper C,1
solo,GSM8K,0.70,vendor,paper C,1
"""
LOSSES = """model,loss_set,loss,unit
ref-1,c4,3.1,nats per token
ref-7,c4,2.6,nats per token
"""
FOLDER = {"models": MODELS, "benchmarks": BENCHMARKS, "scores": SCORES, "losses": LOSSES}

WriteFolder = Callable[..., Path]


def write_files(folder: Path, files: Mapping[str, str | bytes | None]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        if content is not None:
            raw = content.encode() if isinstance(content, str) else content
            file = "datapackage.json" if name == "datapackage" else f"{name}.csv"
            (folder / file).write_bytes(raw)
    return folder


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Write the small folder, with some of its files exchanged (None leaves one out)."""

    def write(**files: str | bytes | None) -> Path:
        return write_files(tmp_path / "mine", {**FOLDER, **files})

    return write


@pytest.fixture
def small(tmp_path: Path) -> Dataset:
    return read_dataset(write_files(tmp_path / "small" / "mine", FOLDER))


@pytest.fixture
def frames(small: Dataset) -> dict[str, pd.DataFrame]:
    return {name: getattr(small, name) for name in FOLDER}
