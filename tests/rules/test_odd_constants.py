"""Constants that aren't plain arrays, in the example of every rule: computed, sparse, packed, text.

A rule does nothing then, or what it does elsewhere; none may read them as an array. Hostile files
found three that did, one of which stopped at every convolution of int4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
import pytest

from tests.support.check_rule import apply
from tests.support.rule_examples import EXAMPLES, Example
from tflopt.errors import ModelError, UnsupportedError
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, Model, Record, Value
from tflopt.ir.clone import clone
from tflopt.ir.node import Buffer
from tflopt.ranges import ranges_of

pytestmark = pytest.mark.unit


def computed(value: Value) -> None:
    value.buffer = value.graph.model.buffers[0]
    value.graph.inputs.append(value)


def sparse(value: Value) -> None:
    value.extra.sparsity = Record("SparsityParameters", {})


def packed(value: Value) -> None:
    value.dtype = DType.INT4
    value.buffer = Buffer(np.full((value.elements + 1) // 2, 0x11, np.uint8))
    value.graph.model.buffers.append(value.buffer)


def resource(value: Value) -> None:
    value.dtype, value.quant = DType.RESOURCE, None


CHANGES: dict[str, Callable[[Value], None]] = {
    each.__name__: each for each in (computed, sparse, packed, resource)
}


def changed(example: Example, change: str) -> Iterator[Model]:
    """The example with one constant after another changed, those that the reader takes."""
    plain = read_bytes(write_bytes(example.models()[0]))
    for number, value in enumerate(plain.main.values):
        if not value.has_data:
            continue
        model = clone(plain)
        CHANGES[change](list(model.main.values)[number])
        with suppress(ModelError, UnsupportedError):  # TFLM's kernels couldn't take it
            yield read_bytes(write_bytes(model))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_no_rule_reads_one_as_an_array(name: str, change: str) -> None:
    for model in changed(EXAMPLES[name], change):
        ranges_of(model.main)
        with suppress(UnsupportedError):
            apply(model, EXAMPLES[name].rule)
