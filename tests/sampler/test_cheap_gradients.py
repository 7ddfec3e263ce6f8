"""Division, root and logarithm have the values and gradients of the usual ones."""

import re

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from bayesdense.sampler.backend.cheap_gradients import (
    inverse,
    logarithm,
    root,
    with_cheap_gradients,
)

X = np.array([1e-9, 0.03, 1.0, 7.5, 1e9])


def _both(function, usual):
    x = pt.vector("x")
    # A sum of powers, so that the gradient passes through more than the operation itself.
    outputs = [(f(x) ** 3 + 2.0 * f(x)).sum() for f in (function, usual)]
    gradients = [pytensor.grad(output, x) for output in outputs]
    return pytensor.function([x], [function(x), usual(x), *gradients])


@pytest.mark.parametrize(
    ("function", "usual"),
    [(inverse, lambda x: 1.0 / x), (root, pt.sqrt), (logarithm, pt.log)],
    ids=["inverse", "root", "logarithm"],
)
def test_value_and_gradient_are_those_of_the_usual_function(function, usual):
    value, expected, slope, expected_slope = _both(function, usual)(X)
    assert value == pytest.approx(expected, rel=1e-12)
    assert slope == pytest.approx(expected_slope, rel=1e-10)


def test_a_gradient_has_no_division_but_the_one_that_was_written():
    x = pt.vector("x")
    y = (root(x) * inverse(root(x) + 2.0)).sum()
    graph = pytensor.function([x], pytensor.grad(y, x)).maker.fgraph
    text = pytensor.printing.debugprint(graph, file="str").split("Inner graphs")[-1]
    assert "true_div" not in text.lower() and "reciprocal" not in text.lower()
    # One of the sum and one of the root, however often they are used.
    assert len(set(re.findall(r"inverse \[id (\w+)\]", text))) == 2


def test_what_is_written_plainly_is_replaced():
    x = pt.vector("x")
    plain = (pt.log(x) / pt.sqrt(x) + x**-2.0 + 1.0 / x + x / 3.0).sum()
    [cheap] = with_cheap_gradients([plain])
    gradients = [pytensor.grad(output, x) for output in (plain, cheap)]
    values = pytensor.function([x], [plain, cheap, *gradients])(X[1:4])
    assert values[1] == pytest.approx(values[0]) and values[3] == pytest.approx(values[2])
    text = pytensor.printing.debugprint(cheap, file="str").lower()
    assert text.count("inverse") >= 3 and "logarithm" in text and "root" in text
    # A division by a number stays.
    assert text.count("true_div") == 1
