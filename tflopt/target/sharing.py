"""Which bytes a plan will let an operator's tensors share, for estimates made in front of it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import partial

from tflopt.errors import UnsupportedError
from tflopt.ir import Op
from tflopt.plan.find_aliases import shared_at
from tflopt.plan.in_place import ValueAlias
from tflopt.plan.live import Moment, moment_of
from tflopt.target.device import Device
from tflopt.target.kernel_sets import EVERY, gap_on, trusted_sets


class Sharing(Enum):
    """How far a plan lets tensors share bytes."""

    APART = "apart"
    """Not at all."""
    IN_PLACE = "in place"
    """Where every kernel is proven to allow it: views, elementwise operators, parts of a whole."""
    OVERLAPPING = "overlapping"
    """And outputs follow the input that they consume, as closely as every set of kernels bears."""


def moment_on(op: Op, scratch_bytes: Iterable[int], device: Device, sharing: Sharing) -> Moment:
    """What an operator reads and writes on a device, its scratch, and which bytes are shared."""
    return moment_of(op, scratch_bytes, tuple(_shared(op, device, sharing)))


def _shared(op: Op, device: Device, sharing: Sharing) -> list[ValueAlias]:
    if sharing is Sharing.APART:
        return []
    overlaps = sharing is Sharing.OVERLAPPING and device.is_confirmed
    kernels = trusted_sets(EVERY, device.target)
    gap = partial(gap_on, kernels=kernels, device=device) if overlaps else None
    try:
        return shared_at(op, gap)
    except UnsupportedError:
        return []  # a type that the runtime has no size for; then nothing is planned either
