"""Fold elementwise int8 operators that meet again into the one operator with the same map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tflopt.facts.clamps import reachable
from tflopt.ir import Op, OpCode
from tflopt.rewrite import BETWEEN_PORTS, BY_ENUMERATION, Exactness, Reason, Rewriter, require
from tflopt.rules.activations.diamond_forms import Distance, equal_forms
from tflopt.rules.activations.diamonds import ELEMENTWISE, Region, regions
from tflopt.search.worth import FormRule

MOST_READERS = 8
"""Of a value with more, each is looked at when its turn comes."""


class FoldDiamond(FormRule):
    """Run MAXIMUM(x, a * x), MAXIMUM(x, -x), x + x and the like as one operator, if better.

    Exact: elementwise operators between two int8 tensors are a map of 256 values, whatever the
    paths. Where it is the identity they go, or become a RESHAPE that copies nothing in place if
    only the scale changes; where RELU, RELU6, QUANTIZE, ABS, HARD_SWISH, LOGISTIC, TANH,
    LEAKY_RELU or PRELU has the same map on every value that can occur, that one takes their place.
    """

    name: ClassVar[str] = "fold-diamond"
    number: ClassVar[int] = 51
    rank: ClassVar[int] = 20
    anchors: ClassVar[frozenset[OpCode]] = ELEMENTWISE
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    alike_on_litert: ClassVar[bool] = False
    alike_on_default_path: ClassVar[bool] = False

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the largest region that ends here for which there is a better form.

        Or that ends where two paths meet next: by itself a path may become what isn't told apart
        any more, as a table.
        """
        declined = []
        for region in regions(op):
            reason = self._fold(region, rw)
            if reason is None:
                return
            if len(region.ops) > 1:
                declined.append(reason)
        if any(self._fold(region, rw) is None for region in _ahead(op)):
            return
        if declined and not _goes_on(op):
            require(False, min(declined, key=lambda pair: pair[0])[1], at=op)

    def _fold(self, region: Region, rw: Rewriter) -> tuple[int, Reason] | None:
        """None where the region was replaced, else why not; the lowest number came closest."""
        values = reachable(region.source)
        forms = equal_forms(region, values)
        if isinstance(forms, Distance):
            return 1 + forms.differ, forms.reason
        if not forms:
            if not rw.can_replace(region.last.output, region.source):
                return 0, BETWEEN_PORTS
            dying = region.dying()
            rw.bypass(region.last, region.source)
        else:
            dying = region.dying()
            sketch, choice = self.worth.best(dying, forms)
            if not choice.is_worth_it:
                return 1, choice.why_not(sketch.graph.ops[-1].code.name)
            sketch.graft(rw, region.last)
        for op in reversed(dying[:-1]):
            rw.remove(op)
        rw.prove("enumeration", len(values))
        return None


def _ahead(op: Op) -> Iterator[Region]:
    """The regions of this operator that end at a reader of it, which reads another path, too."""
    users = op.output.users
    for user in users if len(users) <= MOST_READERS else ():
        paths = [value for value in user.inputs if value is not None and not value.is_constant]
        if user.code in ELEMENTWISE and len(paths) > 1:
            yield from (region for region in regions(user) if op in region.ops)


def _goes_on(op: Op) -> bool:
    """Whether all readers are part of a larger region, so that the reason belongs there."""
    value = op.output
    if value.is_graph_output or not value.uses:
        return False
    return all(_is_within(op, use.op) for use in value.uses)


def _is_within(op: Op, reader: Op | None) -> bool:
    return reader is not None and any(op in region.ops for region in regions(reader))
