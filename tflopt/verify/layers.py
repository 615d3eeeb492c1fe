"""The first inner tensor that differs between two models, found on any runner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tflopt.facts.operators import VARIABLES
from tflopt.ir import Model, OpCode
from tflopt.run.runner import Outcome, Runner, Work
from tflopt.run.samples import Array
from tflopt.texts import counted
from tflopt.verify.match import Pair

CHUNK = 1024
"""As many tensors as a device dumps in one boot."""
STATEFUL = VARIABLES | {OpCode.CALL_ONCE}


@dataclass(frozen=True)
class Difference:
    """Where two arrays differ: the first index, how many elements, and by how much at most."""

    first_index: tuple[int, ...]
    count: int
    max_diff: float


@dataclass(frozen=True)
class LayerDifference:
    """The first tensor that differs: by sample, then in the order of computation.

    ``operator`` and ``operator_index`` are those of the optimized model's operator that makes it.
    """

    name: str
    operator: str
    operator_index: int
    sample: int
    difference: Difference

    def __str__(self) -> str:
        difference = self.difference
        return (
            f"{self.name}, made by operator {self.operator_index} {self.operator}, first at "
            f"{list(difference.first_index)} of sample {self.sample}; "
            f"{counted(difference.count, 'element')}, at most {difference.max_diff:g}"
        )


def difference_of(one: Array, two: Array) -> Difference | None:
    """How two arrays of one type and shape differ, bit for bit; None where they don't."""
    width = one.dtype.itemsize
    raw = [np.ascontiguousarray(a).view(np.uint8).reshape(*a.shape, width) for a in (one, two)]
    differs = (raw[0] != raw[1]).any(axis=-1)
    if not differs.any():
        return None
    first = tuple(int(axis) for axis in np.argwhere(differs)[0])
    diff = np.abs(one.astype(np.float64) - two.astype(np.float64))
    return Difference(first, int(differs.sum()), float(np.nanmax(diff)) if diff.size else 0.0)


def has_state(model: Model) -> bool:
    """Whether an invocation may depend on those before it."""
    values = any(value.is_variable for graph in model.graphs for value in graph.values)
    return values or any(op.code in STATEFUL or op.opcode.custom_code for op in model.ops())


def first_difference(
    runners: tuple[Runner, Runner], original: Work, optimized: Work, pairs: Sequence[Pair]
) -> LayerDifference | None:
    """Run both with all of ``pairs`` kept; a second run fetches the elements of the first that
    differs. None where all are equal.

    Args:
        runners: of the original and of the optimized model.
        original: the model, its bytes without an offline plan, and the samples.
        optimized: the same of the other model.

    Raises:
        MissingOpError: the runner has no kernel for an operator.
        RunnerError: a run failed, for example because all tensors together need too much memory.
    """
    earliest = min(_unlike(runners, original, optimized, pairs), default=None)
    if earliest is None:
        return None
    sample, index = earliest
    first, second = (replace(w, samples=w.samples[: sample + 1]) for w in (original, optimized))
    pair = pairs[index]
    ones, twos = _run_both(runners, first, second, [pair], keeps=True)
    ours, theirs = (run.tensors[sample][0] for run in (ones, twos))
    ours = pair.reorder(ours).reshape(theirs.shape)
    difference = difference_of(ours, theirs) or Difference((), 0, 0.0)
    return LayerDifference(pair.name, pair.operator, pair.operator_index, sample, difference)


def equal_pairs(
    runners: tuple[Runner, Runner], original: Work, optimized: Work, pairs: Sequence[Pair]
) -> tuple[Pair, ...]:
    """Those of ``pairs`` that are equal on all samples; arguments and errors as above."""
    unlike = {number for _, number in _unlike(runners, original, optimized, pairs)}
    return tuple(pair for number, pair in enumerate(pairs) if number not in unlike)


def _unlike(
    runners: tuple[Runner, Runner], original: Work, optimized: Work, pairs: Sequence[Pair]
) -> Iterator[tuple[int, int]]:
    """Each sample on which a pair differs, with the number of the pair."""
    for part in _parts(pairs):
        moved = any(pair.origin is not None for _, pair in part)
        chosen = [pair for _, pair in part]
        outcomes = _run_both(runners, original, optimized, chosen, keeps=moved)
        for sample in range(len(original.samples)):
            same = _equal(outcomes, sample, chosen, by_elements=moved)
            yield from ((sample, n) for (n, _), equal in zip(part, same, strict=True) if not equal)


def _parts(pairs: Sequence[Pair]) -> list[list[tuple[int, Pair]]]:
    """Pairs with their numbers; those whose elements lie in another order are fetched whole."""
    numbered = list(enumerate(pairs))
    kinds = [
        [entry for entry in numbered if (entry[1].origin is None) == same] for same in (True, False)
    ]
    return [kind[i : i + CHUNK] for kind in kinds for i in range(0, len(kind), CHUNK)]


def _equal(
    outcomes: tuple[Outcome, Outcome], sample: int, pairs: Sequence[Pair], *, by_elements: bool
) -> list[bool]:
    """For each pair, whether both runs have the same elements in it."""
    one, two = outcomes
    if not by_elements:
        digests = zip(one.digests[sample], two.digests[sample], strict=True)
        return [ours == theirs for ours, theirs in digests]
    tensors = zip(pairs, one.tensors[sample], two.tensors[sample], strict=True)
    return [pair.reorder(ours).tobytes() == theirs.tobytes() for pair, ours, theirs in tensors]


def _run_both(
    runners: tuple[Runner, Runner],
    original: Work,
    optimized: Work,
    pairs: Sequence[Pair],
    *,
    keeps: bool,
) -> tuple[Outcome, Outcome]:
    first = replace(original, tensors=[pair.original for pair in pairs], keeps=keeps)
    second = replace(optimized, tensors=[pair.optimized for pair in pairs], keeps=keeps)
    with runners[0].start(first) as one, runners[1].start(second) as two:
        return one.outcome(), two.outcome()
