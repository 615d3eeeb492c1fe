"""The one harness for rules: text, idempotence, round trip, and both runtimes."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.runtime import Outputs, RuntimeFailure, installed, runtime
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.ir.parse import parse
from tflopt.ir.text import dump
from tflopt.ir.verify import verify
from tflopt.rewrite import AnyRule, ModelRule, Trace, run_model_rule, run_rules
from tflopt.rewrite.watch import verify_each
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.run.samples import SampleOptions, make_samples

SAMPLES = 12
RUNNERS = ("tflm", "litert")
ORIGINALS = 64
"""Whose outputs are remembered."""


def apply(model: Model, *rules: AnyRule) -> Trace:
    """Run rules in place, each firing verified, and return what they did."""
    trace = Trace()
    local = [rule for rule in rules if not isinstance(rule, ModelRule)]
    if local:
        run_rules(model, local, trace, verify_each)
    for rule in rules:
        if isinstance(rule, ModelRule):
            run_model_rule(model, rule, trace)
    return trace


def model_of(source: Model | str) -> Model:
    """A model, or that of a text (``tflopt.ir.parse``)."""
    return parse(source) if isinstance(source, str) else source


def check_rule(
    source: Model | str,
    rule: AnyRule,
    expected: str | None = None,
    *,
    hits: int | None = None,
    runners: Collection[str] = RUNNERS,
    together_with: Collection[AnyRule] = (),
    tflm_alone: bool = False,
) -> Model:
    """Rewrite a copy of a model or a text and check all that a rule promises; return the copy.

    Args:
        expected: the text of the result after dead operators are gone.
        hits: how often the rule fires; at least once by default.
        runners: where both models must run and agree; LiteRT must load the result even where it
            isn't one of them.
        together_with: rules that run in the same worklist.
        tflm_alone: the rule only runs under ``--runtime tflm``, so LiteRT needn't load the result.
    """
    model = model_of(source)
    verify(model, "the test")
    before = dump(model)
    copy = clone(model)
    trace = apply(copy, rule, *together_with)
    fired = trace.counts[rule.name]
    assert fired >= 1 if hits is None else fired == hits, trace
    assert all(hit.edits for hit in trace.hits)
    apply(copy, RemoveDead())
    verify(copy, rule.name)
    assert dump(model) == before, "the copy shares something with the original"
    if expected is not None:
        assert dump(copy) == inspect.cleandoc(expected)
    again = apply(copy, rule, *together_with)
    assert not again.hits, "a second run changes something"
    once = write_bytes(copy)
    assert write_bytes(read_bytes(once)) == once
    assert dump(read_bytes(once)) == dump(copy)
    assert rule.exactness.bit_exact
    check_same_outputs(model, copy, runners)
    if "litert" not in runners and not tflm_alone:
        check_litert_loads(model, copy)
    return copy


def check_litert_loads(one: Model, two: Model) -> None:
    """LiteRT loads the result, if it loads the original."""
    if "litert" not in installed():
        return
    try:
        runtime().run("litert", write_bytes(one), [])
    except RuntimeFailure:
        return
    try:
        runtime().run("litert", write_bytes(two), [])
    except RuntimeFailure as failure:
        pytest.fail(f"LiteRT loads the original only: {failure}")


@dataclass(frozen=True)
class _Original:
    """A file, with the samples that follow from it."""

    data: bytes
    samples: list[list[npt.NDArray[np.generic]]] = field(compare=False)


@lru_cache(maxsize=ORIGINALS)
def _expected(runner: str, original: _Original) -> Outputs:
    """What the original gives, which many results may be compared with."""
    return runtime().run(runner, original.data, original.samples)


def check_same_outputs(one: Model, two: Model, runners: Collection[str] = RUNNERS) -> None:
    """Both models give the same bits on every runner that is installed."""
    samples = make_samples(one, SampleOptions(SAMPLES, seed=1))
    original, data = _Original(write_bytes(one), samples), write_bytes(two)
    used = [name for name in runners if name in installed()]
    if runners and not used:
        pytest.skip("neither tflite-micro nor ai-edge-litert is installed")
    for runner in used:
        try:
            first, second = _expected(runner, original), runtime().run(runner, data, samples)
        except RuntimeFailure as failure:
            pytest.fail(str(failure))
        for number, (expected, found) in enumerate(zip(first, second, strict=True)):
            for output, (a, b) in enumerate(zip(expected, found, strict=True)):
                assert a.dtype == b.dtype, (runner, number, output)
                assert a.shape == b.shape, (runner, number, output)
                assert np.array_equal(a, b), (runner, number, output)


def check_declines(source: Model | str, rule: AnyRule, reason: str) -> None:
    """The rule sees its pattern, says why not, and changes nothing."""
    model = model_of(source)
    verify(model, "the test")
    before = dump(model)
    trace = apply(model, rule)
    assert not trace.hits
    assert reason in [miss.reason for miss in trace.near_misses], trace
    assert dump(model) == before


def check_leaves_alone(source: Model | str, rule: AnyRule) -> None:
    """This is not the rule's pattern: no change and no near miss."""
    model = model_of(source)
    verify(model, "the test")
    before = dump(model)
    trace = apply(model, rule)
    assert not trace.hits
    assert not trace.near_misses
    assert dump(model) == before
