"""What one operator takes on a device, asked once for each different layer."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from tflopt.ir import Op, Value
from tflopt.plan.costs import KernelMemory
from tflopt.plan.find_aliases import shared_at, tensor_alias
from tflopt.plan.lifetimes import ARENA_ALIGNMENT, TensorAlias, TensorRef
from tflopt.plan.problem import align_up
from tflopt.plan.tflm_sizes import ARM32
from tflopt.target import Target
from tflopt.target.cost.predict import OPERATOR_OVERHEAD, predict_layer
from tflopt.target.cost.spec import LayerSpec, describe
from tflopt.target.device import Device
from tflopt.target.hazards import hazards_at
from tflopt.target.kernel_sets import ONE_OF_EACH
from tflopt.target.kernels import kernel_use
from tflopt.target.memory import PlanRequest, gap_of, kernel_memory
from tflopt.tiling.draw import draw_step
from tflopt.tiling.program import Control, Step

Pattern = tuple[int, ...]


@dataclass(frozen=True)
class SharedPair:
    """Two of an operator's tensors, by their places among them, may share bytes."""

    first: int
    second: int
    alias: TensorAlias


@dataclass(frozen=True)
class OpCosts:
    """One operator: its memory, its predicted instructions and what its tensors may share.

    ``tail_bytes`` are what it keeps, without its tensors.
    """

    scratch_bytes: tuple[int, ...]
    kernel: KernelMemory
    tail_bytes: int
    instructions: int
    sharing: tuple[SharedPair, ...]


@dataclass
class CostBook:
    """Costs of operators on a device, under one kind of plan."""

    device: Device
    request: PlanRequest
    known: dict[tuple[LayerSpec, Pattern], OpCosts] = field(default_factory=dict)
    asked: dict[Op, OpCosts] = field(default_factory=dict)
    steps: dict[Hashable, OpCosts] = field(default_factory=dict)

    def of(self, op: Op) -> OpCosts:
        """The costs of an operator, which may be in a sketch, and which nobody edits meanwhile."""
        if op not in self.asked:
            values = tensors_of(op)
            key = (describe(op), tuple(values.index(value) for value in values))
            if key not in self.known:
                self.known[key] = self._ask(key[0], op, values)
            self.asked[op] = self.known[key]
        return self.asked[op]

    def of_step(self, step: Step) -> OpCosts:
        """The same for a step of a program; equal steps of one layer are asked once."""
        if step.op is not None and step.outputs[0].real is not None:
            return self.of(step.op)  # as it is
        places = [place for place in (*step.inputs, *step.outputs) if place is not None]
        shapes = tuple(place if isinstance(place, Control) else place.shape for place in places)
        pattern = None if len(set(places)) == len(places) else tuple(map(places.index, places))
        key = (step.op, step.code, step.valid, step.axis, shapes, len(step.outputs), pattern)
        known = self.steps.get(key)
        if known is None:
            known = self.steps[key] = self.of(draw_step(step))
        return known

    def _ask(self, spec: LayerSpec, op: Op, values: list[Value]) -> OpCosts:
        use = kernel_use(op, self.device)
        kernel = kernel_memory(op, self.device)
        scratch = tuple(use.scratch_bytes or ())
        kept = [kernel.op_data_bytes, *kernel.persistent_bytes]
        tail = ARM32.node_and_registration + ARM32.parameters.get(op.code, 0)
        tail += ARM32.scratch_handle * len(scratch)
        tail += sum(align_up(size, ARENA_ALIGNMENT) for size in kept)
        instructions = predict_layer(spec, self.device).instructions + OPERATOR_OVERHEAD
        sharing = tuple(self._sharing(op, values))
        return OpCosts(scratch, kernel, tail, instructions, sharing)

    @cached_property
    def _devices(self) -> list[Device]:
        return [replace(self.device, target=Target.parse(name)) for name in ONE_OF_EACH.values()]

    def hazards_of(self, op: Op) -> set[str]:
        """The names of the defects that an operator meets on a core of any instruction set."""
        return {hazard.name for variant in self._devices for hazard in hazards_at(op, variant)}

    def _sharing(self, op: Op, values: list[Value]) -> Iterator[SharedPair]:
        refs = {value: TensorRef(0, values.index(value)) for value in values}
        gap = gap_of(self.device, self.request)
        for pair in shared_at(op, gap, in_place=self.request.in_place):
            alias = tensor_alias(pair, refs)
            yield SharedPair(alias.first.tensor, alias.second.tensor, alias)


def tensors_of(op: Op) -> list[Value]:
    """Inputs that are there, then outputs."""
    return [value for value in (*op.inputs, *op.outputs) if value is not None]
