"""Which ``Add`` methods of TFLM's ``MicroMutableOpResolver`` a model needs.

The interpreter looks up the operator code of every operator in every subgraph, and nothing else
(``MicroInterpreter::PrepareNodeAndRegistrationDataFromFlatbuffer``): the version doesn't matter,
nor do entries of the table that no operator uses. The names are those of
``micro_mutable_op_resolver.h`` in TFLM 90b983c.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tflopt.emit.names import identifier
from tflopt.errors import UnsupportedError, printable
from tflopt.facts.tflm import KERNELS
from tflopt.ir import Model, Op, OpCode
from tflopt.target.device import Device
from tflopt.target.runs import find_refusals

CUSTOM_METHODS = {
    "CIRCULAR_BUFFER": "AddCircularBuffer",
    "SignalDelay": "AddDelay",
    "SignalEnergy": "AddEnergy",
    "SignalFftAutoScale": "AddFftAutoScale",
    "SignalFilterBank": "AddFilterBank",
    "SignalFilterBankLog": "AddFilterBankLog",
    "SignalFilterBankSpectralSubtraction": "AddFilterBankSpectralSubtraction",
    "SignalFilterBankSquareRoot": "AddFilterBankSquareRoot",
    "SignalFramer": "AddFramer",
    "SignalIrfft": "AddIrfft",
    "SignalOverlapAdd": "AddOverlapAdd",
    "SignalPCAN": "AddPCAN",
    "SignalRfft": "AddRfft",
    "SignalStacker": "AddStacker",
    "SignalWindow": "AddWindow",
    "TFLM_DECODE": "AddDecode",
    "TFLite_Detection_PostProcess": "AddDetectionPostprocess",
    "ethos-u": "AddEthosU",
}
"""Custom operators that TFLM carries itself, by the name in the model."""


@dataclass(frozen=True, order=True)
class Registration:
    """One call on the resolver: ``method``, and for a foreign custom operator a user's hook.

    ``name`` is what the model calls it: the schema's name, or the custom code.
    """

    name: str
    method: str
    hook: str = ""


def registrations(models: Iterable[Model], device: Device | None = None) -> list[Registration]:
    """What the interpreter looks up for all of the models, each once, by name.

    Raises:
        UnsupportedError: TFLM has no kernel for an operator, or for its types, or a custom one has
            no name.
    """
    lookups: dict[tuple[OpCode, str], None] = {}
    for model in models:
        _check_runs(model, device)
        for op in model.ops():
            lookups[_lookup(op, model)] = None
    hooks = _hooks(sorted(name for code, name in lookups if code is OpCode.CUSTOM))
    return sorted(_registration(code, name, hooks) for code, name in lookups)


def _check_runs(model: Model, device: Device | None) -> None:
    for refusal in find_refusals(model, device):
        reason = f"it {refusal.reason}, so TFLM can't allocate the model; {refusal.mend}"
        raise UnsupportedError(printable(reason), _where(refusal.op), model.path)


def _lookup(op: Op, model: Model) -> tuple[OpCode, str]:
    if op.code is OpCode.CUSTOM:
        if not op.opcode.custom_code:
            raise UnsupportedError("a custom operator without a name", _where(op), model.path)
        return op.code, op.opcode.custom_code
    if op.code not in KERNELS:
        raise UnsupportedError("TFLM has no such operator", _where(op), model.path)
    return op.code, op.code.name


def _where(op: Op) -> str:
    label, index = printable(op.opcode.label), op.graph.ops.index(op)
    return f"subgraph {op.graph.index} operator {index} ({label})"


def _registration(code: OpCode, name: str, hooks: dict[str, str]) -> Registration:
    if code is not OpCode.CUSTOM:
        return Registration(name, KERNELS[code].method)
    if name in CUSTOM_METHODS:
        return Registration(name, CUSTOM_METHODS[name])
    return Registration(name, "AddCustom", hooks[name])


def _hooks(names: Iterable[str]) -> dict[str, str]:
    """A C++ function name for each foreign custom operator; equal ones are numbered."""
    taken: dict[str, str] = {}
    for name in names:
        if name in CUSTOM_METHODS:
            continue
        base = f"Register_{identifier(name)}"
        hook, number = base, 2
        while hook in taken:
            hook, number = f"{base}_{number}", number + 1
        taken[hook] = name
    return {name: hook for hook, name in taken.items()}
