"""What the steps of a program need, between what lives before and after them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

from tflopt.ir import Op, Value
from tflopt.plan.describe import runtime_bytes
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.plan.problem import align_up
from tflopt.plan.tflm_sizes import ARM32
from tflopt.tiling.costs import CostBook, OpCosts
from tflopt.tiling.live import Lives
from tflopt.tiling.program import Control, Part, Program, Step


@dataclass(frozen=True)
class Need:
    """What some operators need: ``head_bytes`` no plan can be below, the rest adds up.

    ``controls`` are helper constants, which are stored once in a model.
    """

    head_bytes: int
    tail_bytes: int
    instructions: int
    operators: int
    controls: frozenset[Control] = frozenset()


@dataclass(frozen=True)
class Around:
    """The tensors of a model that live before a run of operators, and those that live after."""

    before: Collection[Value]
    after: Collection[Value]


def program_of(op: Op) -> Program:
    """An operator as it is."""
    program = Program()
    inputs = tuple(None if value is None else program.read(value) for value in op.inputs)
    outputs = tuple(program.read(value) for value in op.outputs)
    program.steps.append(Step(op.code, inputs, outputs, 0, op))
    return program


def need_of(program: Program, around: Around, book: CostBook) -> Need:
    """Head, tail and instructions of a program."""
    steps = program.steps
    costs = [book.of_step(step) for step in steps]
    lives, numbers = lives_of(program, costs, around)
    controls = frozenset(key for key in numbers if isinstance(key, Control))
    tensors = len(numbers) - len(controls) - len(set(around.before))
    tail = ARM32.eval_tensor * tensors + sum(cost.tail_bytes for cost in costs)
    work = sum(cost.instructions for cost in costs)
    return Need(lives.peak(), tail, work, len(steps), controls)


def band_head(program: Program, band: int, around: Around, book: CostBook) -> int:
    """A head that the steps of one band can't be below, whatever the bands after it need.

    Of later bands only matters what they read: what they share is made by them.
    """
    start, end = program.ends[band - 1] if band else 0, program.ends[band]
    costs = [book.of_step(step) for step in program.steps[:end]]
    return lives_of(program, costs, around)[0].peak(start, end)


def lives_of(
    program: Program, costs: Sequence[OpCosts], around: Around
) -> tuple[Lives, dict[Hashable, int]]:
    """From where to where everything lives, and the number of each tensor and control.

    Args:
        costs: of the steps, or of the first ones alone: no scratch then, and nothing shared, of the
            others.
    """
    lives, numbers = Lives(), dict[Hashable, int]()
    results = {part: value for value, part in program.results.items()}
    for value in around.before:
        numbers[value] = lives.add(runtime_bytes(value), -1)
    places: list[list[int]] = []
    scratch = [sum(align_up(size, ARENA_ALIGNMENT) for size in c.scratch_bytes) for c in costs]
    lives.scratch = scratch + [0] * (len(program.steps) - len(costs))
    for index, step in enumerate(program.steps):
        here = list[int]()
        for tensor in (*step.inputs, *step.outputs):
            if tensor is None:
                continue
            key: Hashable = tensor
            if isinstance(tensor, Part):
                key = tensor.real or results.get(tensor, tensor)
            if key not in numbers:
                numbers[key] = lives.add(_size(tensor), index)
            lives.last[numbers[key]] = index
            here.append(numbers[key])
        places.append(here)
    for value in around.after:
        if value in numbers:
            lives.last[numbers[value]] = len(program.steps)
    for here, cost in zip(places, costs, strict=False):
        for sharing in cost.sharing:
            lives.share(here[sharing.first], here[sharing.second], sharing.alias)
    return lives, numbers


def _size(tensor: Part | Control) -> int:
    """Bytes in the head: none of a constant or a variable."""
    if isinstance(tensor, Control):
        return 0
    if tensor.real is None:
        return tensor.elements
    return 0 if tensor.real.is_constant or tensor.real.is_variable else runtime_bytes(tensor.real)
