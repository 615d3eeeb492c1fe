"""Where two models may be cut: their ports, and the inner tensors that correspond."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tflopt.ir import Model, Op, Value
from tflopt.verify.channels import is_same_layer
from tflopt.verify.directed.regions import Cut, Region, regions_of
from tflopt.verify.match import BY_NAME, Matches, Pair


@dataclass(frozen=True, eq=False)
class Cuts:
    """Tensors of both models that correspond.

    Attributes:
        inner: those at which regions may begin, the models' inputs among them.
        results: those at which regions may end, the models' outputs among them.
        doubtful: those of the optimized model's that differ on samples: what is found there counts
            only if it goes on to a result that doesn't.
    """

    inner: tuple[Cut, ...]
    results: tuple[Cut, ...]
    doubtful: frozenset[Value] = frozenset()

    @property
    def witnesses(self) -> list[Cut]:
        """Results that aren't doubtful."""
        return [cut for cut in self.results if cut.optimized not in self.doubtful]

    @cached_property
    def regions(self) -> list[Region]:
        """Those that aren't the same in both models."""
        return regions_of(self.inner, self.results)


def cuts_of(original: Model, optimized: Model, matches: Matches, *, rearranged: bool) -> Cuts:
    """The cuts by matched tensors and by ports, which are in order.

    Args:
        rearranged: ports may hold the same elements in another arrangement.
    """
    old, new = list(original.main.values), list(optimized.main.values)
    pairs = trusted(matches, old, new)
    inner, doubtful = (
        [Cut(old[pair.original], new[pair.optimized], pair.origin) for pair in some]
        for some in (pairs, matches.doubtful)
    )
    doubtful, sure = _split(doubtful)
    known = {cut.optimized for cut in inner}
    feeds = zip(original.main.inputs, optimized.main.inputs, strict=True)
    ports = zip(original.main.outputs, optimized.main.outputs, strict=True)
    ends = _same(ports, rearranged)
    return Cuts(
        (*inner, *_same(feeds, rearranged)),
        (*inner, *sure, *doubtful, *(cut for cut in ends if cut.optimized not in known)),
        frozenset({cut.optimized for cut in doubtful} - {cut.optimized for cut in ends}),
    )


def _split(doubtful: list[Cut]) -> tuple[list[Cut], list[Cut]]:
    """Those that may be no pairs, and those of layers that are made of the same numbers."""
    sure = [cut for cut in doubtful if is_same_layer(cut.original, cut.optimized)]
    return [cut for cut in doubtful if cut not in sure], sure


def trusted(matches: Matches, old: list[Value], new: list[Value]) -> list[Pair]:
    """Pairs that are sure. A name alone isn't: what makes both must be the same kind of operator,
    with the same activation, quantization and number of elements.
    """
    if matches.how != BY_NAME:
        return list(matches.pairs)
    return [pair for pair in matches.pairs if _made_alike(old[pair.original], new[pair.optimized])]


def _made_alike(one: Value, two: Value) -> bool:
    if one.producer is None or two.producer is None or one.quant != two.quant:
        return False
    return _making(one.producer) == _making(two.producer)


def _making(op: Op) -> tuple[str, object]:
    return op.opcode.label, getattr(op.options, "fused_activation_function", None)


def _same(ports: Iterable[tuple[Value, Value]], rearranged: bool) -> list[Cut]:
    return [
        Cut(one, two, two.origin if rearranged and _is_moved(two) else None)
        for one, two in ports
        if one.dtype is two.dtype and one.elements == two.elements
    ]


def _is_moved(value: Value) -> bool:
    return value.origin is not None and bool(value.origin.perm or value.origin.parts)
