"""Which tensors of two models hold the same elements, as far as their runs on samples tell.

Names and counts of a kind get lost where one number of a file has changed; elements don't, up to
the place where the change begins to count. So tensors are paired whose bytes are equal on all
samples, if only one in each model has them, or as many in both, which are paired in the order of
computation. These serve directed inputs alone, not what is said of layers. That they were equal is
no proof: as with pairs by contents, two tensors may still differ on another input.

What is left has differed on samples: no pairs, or what a fault left of them. Those that are alike
in type and number of elements are doubtful pairs, in order: inputs are directed at what they are
computed from, but nothing is said of them unless a result that was equal, or an output, shows a
difference too. A wrong one costs runs, no alarm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from tflopt.ir import Model, Op, Value
from tflopt.run.runner import Runner, Work
from tflopt.verify.contents import only_moves
from tflopt.verify.directed.cuts import trusted
from tflopt.verify.layers import CHUNK, equal_pairs
from tflopt.verify.match import BY_CONTENTS, BY_NAME, Matches, Pair, pair_of
from tflopt.verify.unwritten import DETECTION

Made = tuple[int, Value, Op, int]
"""A tensor's index, the tensor, what computes it, and that operator's index."""


def equal_matches(
    runners: tuple[Runner, Runner], original: Work, optimized: Work, matches: Matches
) -> Matches:
    """Those of ``matches`` that are equal on all samples, and for those that were found by contents
    or by name, what else is equal there.

    Args:
        runners: of the original and of the optimized model.
        original: the model, its bytes without an offline plan, and the samples.
        optimized: the same of the other model.

    Raises:
        MissingOpError: the runner has no kernel for an operator.
        RunnerError: a run failed.
    """
    old, new = list(original.model.main.values), list(optimized.model.main.values)
    likely = trusted(matches, old, new)
    pairs = equal_pairs(runners, original, optimized, likely) if likely else ()
    doubtful = tuple(pair for pair in likely if pair not in pairs)
    if matches.how not in {BY_CONTENTS, BY_NAME}:
        return replace(matches, pairs=pairs, doubtful=doubtful)
    ours, theirs = _rest(original.model, pairs, 0), _rest(optimized.model, pairs, 1)
    keys = [
        _bytes(*side) for side in zip(runners, (original, optimized), (ours, theirs), strict=True)
    ]
    equal = _in_order(_grouped(ours, keys[0]), _grouped(theirs, keys[1]))
    matched = sorted((*pairs, *equal), key=lambda pair: (pair.operator_index, pair.optimized))
    done = [{pair.original for pair in matched}, {pair.optimized for pair in matched}]
    left = [
        [m for m in some if m[0] not in d] for some, d in zip((ours, theirs), done, strict=True)
    ]
    kinds = ([(value.dtype, value.elements) for _, value, _, _ in some] for some in left)
    rest = _in_order(*(_grouped(*side) for side in zip(left, kinds, strict=True)), strict=False)
    thinned = [pair for pair in doubtful if pair.origin is not None and pair.origin.parts]
    known = {pair.optimized for pair in (*matched, *rest)}
    rest += [pair for pair in thinned if pair.optimized not in known]
    return Matches(tuple(matched), BY_CONTENTS, tuple(rest))


def _rest(model: Model, pairs: Sequence[Pair], side: int) -> list[Made]:
    known = {(pair.original, pair.optimized)[side] for pair in pairs}
    return [tensor for tensor in _computed(model) if tensor[0] not in known]


def _in_order(
    ones: Mapping[Hashable, Sequence[Made]],
    twos: Mapping[Hashable, Sequence[Made]],
    *,
    strict: bool = True,
) -> list[Pair]:
    """Pairs in the order of computation; ``strict``: where both models have as many of a key."""
    pairs = []
    for key, theirs in twos.items():
        ours = ones.get(key, [])
        if key is not None and (len(ours) == len(theirs) or not strict):
            pairs += [_pair(one, two) for one, two in zip(ours, theirs, strict=False)]
    return pairs


def _grouped(made: Sequence[Made], keys: Sequence[Hashable]) -> dict[Hashable, list[Made]]:
    groups: dict[Hashable, list[Made]] = defaultdict(list)
    for tensor, key in zip(made, keys, strict=True):
        groups[key].append(tensor)
    return groups


def _bytes(runner: Runner, work: Work, made: Sequence[Made]) -> list[Hashable]:
    """For each tensor its type and bytes on samples; None if they are the same on all samples,
    which says nothing.
    """
    keys: list[Hashable] = []
    for start in range(0, len(made), CHUNK):
        part = made[start : start + CHUNK]
        with runner.start(replace(work, tensors=[place for place, *_ in part])) as run:
            columns = zip(*run.outcome().digests, strict=True)
        keys += [
            (value.dtype, value.elements, digests) if len(set(digests)) > 1 else None
            for (_, value, _, _), digests in zip(part, columns, strict=True)
        ]
    return keys


def _computed(model: Model) -> Sequence[Made]:
    """Whole tensors of the main graph but for those that an operator only moves."""
    place = {value: index for index, value in enumerate(model.main.values)}
    return [
        (place[value], value, op, number)
        for number, op in enumerate(model.main.ops)
        for value in op.outputs
        if not only_moves(op) and op.opcode.label != DETECTION and value.size_bytes
    ]


def _pair(one: Made, two: Made) -> Pair:
    return pair_of(one[0], one[1], two[0], two[2], two[3])
