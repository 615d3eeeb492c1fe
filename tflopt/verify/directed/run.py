"""Running the regions that aren't the same in both models on inputs chosen for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.ir.node import Array
from tflopt.ranges import ranges_of
from tflopt.run.runner import Runner, Work
from tflopt.run.samples import Sample
from tflopt.verify.directed.cuts import Cuts
from tflopt.verify.directed.feeds import (
    MOST_FEEDS,
    RUNS,
    Feeds,
    Source,
    feeds_of,
    feeds_onward,
    work_of,
)
from tflopt.verify.directed.regions import Region, onward
from tflopt.verify.directed.submodel import OPTIMIZED, ORIGINAL, submodel
from tflopt.verify.layers import Difference, LayerDifference, difference_of

LEAST_WORK = 1 << 25
SHARE = 20
"""Of the work of one inference: what all directed inputs together take at most, but for a few
inputs of each region."""
MOST_BYTES = 1 << 28
"""Of all inputs and outputs: regions beyond that are left out."""


@dataclass(frozen=True)
class Finding:
    """The result of a region that differs: what both models give, and for which input."""

    region: Region
    number: int
    expected: Array
    actual: Array

    def layer(self, optimized: Model) -> LayerDifference:
        """The difference, as one of an inner tensor."""
        value = self.region.result.optimized
        maker = value.producer
        assert maker is not None
        name = self.region.result.original.name or value.name or "without a name"
        place = optimized.main.ops.index(maker)
        difference = difference_of(self.expected, self.actual) or Difference((), 0, 0.0)
        return LayerDifference(name, maker.opcode.label, place, self.number, difference)


@dataclass(frozen=True)
class Directed:
    """What came out: how many regions were driven, and the first that differs."""

    regions: int = 0
    finding: Finding | None = None


def drive(
    runner: Runner,
    original: Model,
    cuts: Cuts,
    samples: Sequence[Sample],
    seed: int,
) -> Directed:
    """Run each region that differs between two models on inputs of its own, and compare.

    Args:
        original: the model whose ranges the inputs keep to.
        samples: inputs of the original model, for those that aren't integers.

    Raises:
        MissingOpError, RunnerError: a region can't be run by itself.
    """
    regions = cuts.regions
    if not regions:
        return Directed()
    rng = np.random.default_rng(seed)
    feeds = _feeds(regions, original, samples, rng)
    source = Source(ranges_of(original.main), samples, rng, 0)
    sure = ((feed, _sure(runner, (feed, suspect), rng)) for feed, suspect in _apart(runner, feeds))
    told = (confirmed and _told(runner, feed, confirmed, cuts, source) for feed, confirmed in sure)
    finding = next((candidate for candidate in told if candidate is not None), None)
    return Directed(len(feeds), finding)


def _feeds(
    regions: Sequence[Region],
    original: Model,
    samples: Sequence[Sample],
    rng: np.random.Generator,
) -> list[Feeds]:
    ranges = ranges_of(original.main)
    work = max(LEAST_WORK, SHARE * work_of(original.main.ops)) // len(regions)
    source = Source(ranges, samples, rng, work, max(RUNS, MOST_FEEDS // len(regions)))
    all_feeds, total = [], 0
    for region in regions:
        feeds = feeds_of(region, source)
        ports = (*region.leaves, region.result.original)
        total += feeds.count * sum(value.size_bytes or 0 for value in ports)
        if total > MOST_BYTES:
            break
        all_feeds.append(feeds)
    return all_feeds


def _apart(runner: Runner, feeds: Sequence[Feeds]) -> list[tuple[Feeds, Finding]]:
    """The regions whose results differ, each with the first that does."""
    works = [_work(feeds, side) for side in (ORIGINAL, OPTIMIZED)]
    with runner.start(works[0]) as one, runner.start(works[1]) as two:
        expected, actual = one.outcome().outputs, two.outcome().outputs
    owners = [(feed, copy) for feed in feeds for copy in range(feed.copies)]
    differing: dict[Feeds, Finding] = {}
    for number, (ours, theirs) in enumerate(zip(expected, actual, strict=True)):
        for (feed, copy), first, second in zip(owners, ours, theirs, strict=True):
            moved = feed.region.result.moved(first)
            if feed not in differing and moved.tobytes() != second.tobytes():
                other = second.reshape(moved.shape)
                differing[feed] = Finding(feed.region, copy * RUNS + number, moved, other)
    return list(differing.items())


def _sure(
    runner: Runner, suspect: tuple[Feeds, Finding], rng: np.random.Generator
) -> Finding | None:
    """The finding, if the region differs by itself too, and for what both models read.

    What a rule dropped of a tensor may be known from what it kept (channels that are always
    equal): where the original reads that, numbers that don't fit each other say nothing.
    """
    feeds, _ = suspect
    again = _apart(runner, [feeds])
    if not again:
        return None
    other = feeds.with_other_dropped(rng)
    if other is not None:
        works = [_work([feed], ORIGINAL) for feed in (feeds, other)]
        with runner.start(works[0]) as one, runner.start(works[1]) as two:
            outputs = [[a.tobytes() for a in chain(*run.outcome().outputs)] for run in (one, two)]
        if outputs[0] != outputs[1]:
            return None
    return again[0][1]


def _told(
    runner: Runner, feeds: Feeds, finding: Finding, cuts: Cuts, source: Source
) -> Finding | None:
    """The finding; where its result is doubtful, only if another result shows it too.

    What the region reads is given to all that is behind it, up to results that are equal on samples
    and to the outputs: a pair that is none makes no difference there.
    """
    if finding.region.result.optimized not in cuts.doubtful:
        return finding
    regions = onward(finding.region, cuts.inner, cuts.witnesses)
    more = [feeds_onward(feeds, region, source) for region in regions]
    shown = [_sure(runner, suspect, source.rng) for suspect in _apart(runner, more)] if more else []
    return finding if any(shown) else None


def _work(feeds: Sequence[Feeds], side: int) -> Work:
    model = submodel([feed.region for feed in feeds], [feed.copies for feed in feeds], side)
    inputs = [_inputs(feeds, number, side) for number in range(RUNS)]
    return Work(model, write_bytes(model), inputs)


def _inputs(feeds: Sequence[Feeds], number: int, side: int) -> Sample:
    """The inputs of one invocation, in the order of the ports of :func:`submodel`."""
    inputs: Sample = []
    for feed in feeds:
        for copy in range(feed.copies):
            rows = dict(zip(feed.region.leaves, feed.rows, strict=True))
            row = copy * RUNS + number
            if side == ORIGINAL:
                inputs += [rows[leaf][row].reshape(leaf.shape) for leaf in feed.region.leaves]
            else:
                inputs += [cut.moved(rows[cut.original][row]) for cut in feed.region.cuts]
    return inputs
