"""Where the ruler is extrapolated, benchmark by benchmark."""

import numpy as np
import pandas as pd

import bayesdense as bd
from bayesdense.posterior.draws import Draws
from bayesdense.tables.density import above_reference, effective_size_table
from tests.fake import fake_fit, tiny_dataset


def test_a_benchmark_on_which_only_small_references_were_scored_ends_with_these():
    """References reach 30e9 on MMLU and 7e9 on MATH; every effective size is 1e10."""
    whole = tiny_dataset()
    large = whole.models.loc[whole.models["n_params"] > 8e9, "model"]
    references = large[large.isin(whole.references["model"])]
    lost = whole.scores["model"].isin(references) & (whole.scores["benchmark"] == "MATH")
    data = bd.Dataset.from_frames(
        name="part", models=whole.models, benchmarks=whole.benchmarks, scores=whole.scores[~lost]
    )
    fit = fake_fit(data=data)
    sizes = fit.posterior["log_effective_size"]
    posterior = fit.posterior.assign(
        log_effective_size=sizes.copy(data=np.full(sizes.shape, np.log(1e10)))
    )
    draws = Draws(posterior)
    shares = above_reference(draws, fit._design).set_index("benchmark")["share_above_reference"]
    assert shares.to_dict() == {"MMLU": 0.0, "MATH": 1.0}
    table = effective_size_table(draws, fit._design, 0.9, "benchmark")
    of_math = table[table["benchmark"] == "MATH"]
    assert of_math["outside_reference"].all() and (of_math["p_above_reference"] == 1.0).all()
    assert not table.loc[table["benchmark"] == "MMLU", "outside_reference"].any()
    assert pd.unique(table["median"]).tolist() == [np.exp(np.log(1e10))]
