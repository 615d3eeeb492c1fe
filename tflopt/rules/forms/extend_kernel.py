"""Extend kernels by zeros so that SAME pads what a PAD in front pads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from tflopt.config import Config, Goal
from tflopt.facts.operators import CONVOLUTIONS, PADS
from tflopt.facts.pads import Amounts, amounts_of, pads_zero
from tflopt.facts.windows import Axis, Window, is_open, padding_for, window_of
from tflopt.ir import DType, Model, Op, Padding, Quantization
from tflopt.ir.clone import clone
from tflopt.plan.tflm import ArenaUse
from tflopt.rewrite import BY_ARITHMETIC, Exactness, ModelRule, Rewriter, Stage
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.rules.movement.fold_pad import set_padding, unpadded
from tflopt.target import Isa
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest, planned_arena, why_no_memory
from tflopt.target.one_row import wrong_on_mve

MOST_TAPS = 2.0
"""A kernel may grow to this multiple of its taps, and the work with it."""
LEAST_SHARE = 0.01
"""Of the arena, that all PADs save beside the head: less isn't worth the taps. What TFLM keeps for
one operator is some hundred bytes."""

Zeros = tuple[tuple[int, int], tuple[int, int]]
"""Zero rows before and behind, zero columns before and behind."""


@dataclass(frozen=True)
class ExtendKernel(ModelRule):
    """Extend kernels by zero rows and columns where SAME then takes the place of a PAD.

    A 3x3 convolution with a stride of 2 behind PAD(1, 1) becomes a 4x4 one with SAME, which pads
    in front by 1. Exact: int8 weights are symmetric, so a zero adds nothing to the sum, whatever
    it meets. It costs multiplications and flash, so it is done with ``--goal memory`` only, and
    only for those PADs without which the arena is smaller: its head with the plan, or what TFLM
    keeps for them, where that is more than a hundredth.

    Args:
        goal: what is optimized for.
        device: the build whose memory counts.
        plan: the kind of offline plan that will be written, None for none.
    """

    name: ClassVar[str] = "extend-kernel"
    number: ClassVar[int] = 67
    stages: ClassVar[tuple[Stage, ...]] = (Stage.KERNELS,)
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    goal: Goal = Goal.MEMORY
    device: Device = field(default_factory=Device)
    plan: PlanRequest | None = field(default_factory=PlanRequest)

    @classmethod
    def from_config(cls, config: Config) -> ExtendKernel:
        """The rule with what it needs of the options."""
        return cls(config.goal, config.device, config.plan)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Extend as few kernels as lead to the smallest arena."""
        if self.goal is not Goal.MEMORY or why_no_memory(model):
            return
        mve = self.device.target.isa is Isa.MVE
        ops = list(model.ops())
        chosen = {place for place, op in enumerate(ops) if extensions(op, mve=mve) is not None}
        if not chosen:
            return
        least = self._arena(model, chosen)
        if least.minimum_bytes >= self._arena(model, set()).minimum_bytes:
            return
        enough, most = least.minimum_bytes, int(least.minimum_bytes * (1 + LEAST_SHARE))
        for place in sorted(chosen):
            fewer = self._arena(model, chosen - {place})
            beside = fewer.head_bytes == least.head_bytes and fewer.minimum_bytes <= most
            if beside or fewer.minimum_bytes <= enough:
                chosen = chosen - {place}
                enough = max(enough, fewer.minimum_bytes)
        for place in sorted(chosen):
            extend(ops[place], rw, mve=mve)

    def _arena(self, model: Model, places: set[int]) -> ArenaUse:
        """The arena with the PADs at these places folded."""
        trial = clone(model)
        ops, mve = list(trial.ops()), self.device.target.isa is Isa.MVE
        for place in places:
            extend(ops[place], Rewriter(trial), mve=mve)
        RemoveDead().rewrite_model(trial, Rewriter(trial))
        plan = self.plan
        request = None if plan is None else PlanRequest(plan.in_place, plan.overlap)
        return planned_arena(trial, self.device, request)


def extensions(pad: Op, *, mve: bool) -> list[Zeros] | None:
    """The zeros that each reader of a PAD needs; None where it can't be folded that way."""
    source, amounts = pad.input(0), amounts_of(pad) if pad.code in PADS else None
    if source is None or amounts is None or len(amounts) != 4 or any(amounts[0] + amounts[3]):
        return None
    readers = pad.output.users
    fits = bool(readers) and not pad.output.is_graph_output and pads_zero(pad)
    if not fits or source.is_variable or is_open(source):
        return None
    all_zeros = [_zeros(reader, pad, amounts, mve) for reader in readers]
    return None if None in all_zeros else [zeros for zeros in all_zeros if zeros is not None]


def extend(pad: Op, rw: Rewriter, *, mve: bool) -> None:
    """Fold the PAD into its readers, with their kernels extended.

    Raises:
        ValueError: :func:`extensions` gives None.
    """
    zeros, source = extensions(pad, mve=mve), pad.input(0)
    if zeros is None or source is None:
        raise ValueError(f"{pad!r} can't be folded")
    for reader, taps in zip(pad.output.users, zeros, strict=True):
        weights = reader.operand(1)
        if any(map(any, taps)):
            data = np.pad(weights.array(), ((0, 0), *taps, (0, 0)))
            constant = rw.constant(data, weights, quant=weights.quant, name=weights.name)
            rw.set_input(reader, 1, constant)
        rw.set_input(reader, 0, source)
        set_padding(reader, Padding.SAME, rw)
    rw.remove(pad)


def _zeros(reader: Op, pad: Op, amounts: Amounts, mve: bool) -> Zeros | None:
    weights, window = reader.input(1), window_of(reader)
    if reader.code not in CONVOLUTIONS or reader.input(0) is not pad.output or window is None:
        return None
    if weights is None or weights.dtype is not DType.INT8 or not weights.has_array:
        return None
    if weights.extra.sparsity is not None or not _is_symmetric(weights.quant):
        return None
    bare = unpadded(window, amounts)
    height, width = _axis_zeros(bare[0]), _axis_zeros(bare[1])
    if height is None or width is None:
        return None
    extended: Window = (_extended(bare[0], height), _extended(bare[1], width))
    if padding_for(extended) is not Padding.SAME or (mve and wrong_on_mve(reader, extended)):
        return None
    taps = extended[0].kernel * extended[1].kernel
    grows = taps > MOST_TAPS * bare[0].kernel * bare[1].kernel
    return None if grows else (height, width)


def _is_symmetric(quant: Quantization | None) -> bool:
    points = None if quant is None else quant.zero_point
    return points is not None and not points.any()


def _axis_zeros(axis: Axis) -> tuple[int, int] | None:
    """The fewest zeros (before, behind) with which SAME pads as it should along one axis."""
    most = int(axis.kernel * (MOST_TAPS - 1))
    for total in range(most + 1):
        for before in range(total + 1):
            extended = _extended(axis, (before, total - before))
            if extended == extended.as_same:
                return before, total - before
    return None


def _extended(axis: Axis, zeros: tuple[int, int]) -> Axis:
    before, behind = zeros
    kernel = axis.kernel + before + behind
    return replace(axis, kernel=kernel, before=axis.before + before * axis.dilation)
