"""Operators that a vendor's compiler put into a model: recognized by name, passed through whole.

Vela's ``ethos-u`` reads and writes the arena by addresses within its command stream: base address 1
is the arena, at the offsets of the ``OfflineMemoryAllocation`` that Vela wrote (``ethosu.cc``,
tflite-micro 90b983c). So that plan is part of the program, as it may be of every other compiler's.
"""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.ir import Model, Op
from tflopt.plan.describe import read_plan, tensor_refs
from tflopt.plan.lifetimes import TensorAlias

ETHOS_U = "ethos-u"


@dataclass(frozen=True)
class Vendor:
    """Whose operators, by the start of their name, and what a user should know of them."""

    prefix: str
    says: str


VENDORS = (
    Vendor(ETHOS_U, "a command stream for an Arm Ethos-U, compiled by Vela"),
    Vendor("NeutronGraph", "microcode for an NXP eIQ Neutron NPU"),
    Vendor("edgetpu-custom-op", "code for a Coral Edge TPU, which TFLM doesn't run"),
    Vendor("XC_", "an operator of XMOS's fork of TFLM"),
)


def vendor_of(op: Op) -> Vendor | None:
    """The vendor whose compiler made an operator, None for all others."""
    name = op.opcode.custom_code
    if name is None:
        return None
    return next((vendor for vendor in VENDORS if name.startswith(vendor.prefix)), None)


def vendor_ops(model: Model) -> list[Op]:
    """The vendors' operators in execution order."""
    return [op for op in model.ops() if vendor_of(op) is not None]


def is_program_plan(model: Model) -> bool:
    """Whether the model's memory plan is part of the program: a vendor's operators rely on it."""
    return bool(vendor_ops(model)) and read_plan(model) is not None


def places_are_fixed(model: Model) -> bool:
    """Whether tensors must stay at their places: by a plan, or because Vela's code addresses them.

    An Ethos-U model without its plan depends on where the runtime happens to put its tensors.
    """
    ops = vendor_ops(model)
    return is_program_plan(model) or any(op.opcode.custom_code == ETHOS_U for op in ops)


def program_aliases(model: Model) -> list[TensorAlias]:
    """The overlaps that belong to vendors' operators: their scratch lies over what it computes.

    An input that nobody feeds or computes is scratch; it may overlap everything. Inputs and outputs
    of one such operator may overlap each other. What the compiler intends nobody else can judge.
    """
    refs = tensor_refs(model)
    pairs = {}
    for op in vendor_ops(model):
        own = [v for v in (*op.inputs, *op.outputs) if v is not None and not v.is_constant]
        bare = [v for v in own if v.producer is None and not v.is_graph_input]
        for first, others in (*((v, refs) for v in bare), *((v, own) for v in own)):
            for second in others:
                if first is not second:
                    alias = TensorAlias(
                        refs[first], refs[second], None, None, shares_content=True, reason=f"{op!r}"
                    )
                    pairs[alias.first, alias.second] = alias
    return list(pairs.values())
