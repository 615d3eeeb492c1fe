"""In which order operators that touch state must stay."""

from __future__ import annotations

from dataclasses import dataclass, field

from tflopt.facts.operators import EFFECTS, VARIABLES
from tflopt.ir import DType, Model, Op, OpCode, Value
from tflopt.ir.options import VarHandleOptions

Variable = Value | tuple[str, str]
"""A tensor that lasts, or the container and the name of a resource."""


@dataclass
class _Use:
    """The last operator that wrote a variable, and those that read it since."""

    writer: int = -1
    readers: set[int] = field(default_factory=set)


@dataclass
class States:
    """Which operators must run before the next one, as one graph is walked in its order.

    Reads of a variable stay between the writes around them. Who has a tensor that lasts may write
    it, be it as an input, as SVDF does, or as an output. What may touch any state (calls,
    control flow, custom operators, resources that nobody names) stays where it is among all of
    these.
    """

    _all: int = -1
    _since: set[int] = field(default_factory=set)
    _uses: dict[Variable, _Use] = field(default_factory=dict)

    def before(self, op: Op, number: int) -> set[int]:
        """The places of operators that must precede ``op``, which stands at place ``number``."""
        resources = [value for value in op.inputs if value is not None and _is_resource(value)]
        touched = dict.fromkeys(value for value in (*op.inputs, *op.outputs) if value is not None)
        lasting = [value for value in touched if value.is_variable]
        if not resources and not lasting and op.code not in EFFECTS | VARIABLES:
            return set()
        after = {self._all} if self._all >= 0 else set()
        names = [named(value) for value in resources]
        if op.code is OpCode.VAR_HANDLE:
            self._since.add(number)
            return after
        if op.code in VARIABLES and names and None not in names:
            writes = op.code is OpCode.ASSIGN_VARIABLE
            for name in names:
                assert name is not None
                after |= self._touch(name, number, writes)
        elif lasting and not resources and op.code not in EFFECTS:
            for value in lasting:
                after |= self._touch(value, number, writes=True)
        else:
            after |= self._since
            self._all, self._since, self._uses = number, set(), {}
            return after
        self._since.add(number)
        return after

    def _touch(self, name: Variable, number: int, writes: bool) -> set[int]:
        use = self._uses.setdefault(name, _Use())
        before = {use.writer} if use.writer >= 0 else set()
        if not writes:
            use.readers.add(number)
            return before
        before |= use.readers
        use.writer, use.readers = number, set()
        return before


def writes_states(model: Model) -> bool:
    """Whether operators have variables among their outputs.

    What reads such a tensor depends on where it stands: two that read the same may read different
    numbers, and what is written is read in another inference. Few rules may touch such a model.
    """
    return any(value.is_variable for op in model.ops() for value in op.outputs)


def _is_resource(value: Value) -> bool:
    return value.dtype is DType.RESOURCE


def named(value: Value) -> tuple[str, str] | None:
    """The container and the name of a resource, None where it comes from somewhere else."""
    producer = value.producer
    if producer is None or producer.code is not OpCode.VAR_HANDLE:
        return None
    options = producer.options
    if not isinstance(options, VarHandleOptions) or not options.shared_name:
        return None
    return options.container or "", options.shared_name
