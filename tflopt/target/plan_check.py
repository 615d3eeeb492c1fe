"""Whether the offline plan that a model carries is right on a device, and on which others."""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.ir import Model
from tflopt.plan.describe import read_plan
from tflopt.plan.lifetimes import TensorAlias
from tflopt.plan.lint import Finding, Meeting, Severity, clashes, lint, meetings
from tflopt.target.device import Device
from tflopt.target.kernel_sets import CMSIS_NN_SETS, ISA_ALONE, KernelSet
from tflopt.target.memory import PlanRequest, aliases_of, aliases_on, description_of
from tflopt.target.vendor import program_aliases

PAIR = 2
"""A finding about two tensors is about their overlap."""


def plan_findings(model: Model, device: Device) -> list[Finding]:
    """What is wrong in the offline plan that a model carries; empty without one.

    Raises:
        ModelError: the plan is one that ``AllocateTensors`` refuses.
    """
    offsets = read_plan(model)
    if offsets is None:
        return []
    aliases = aliases_of(model, device, PlanRequest(overlap=ISA_ALONE))
    return [_strictly(finding, device) for finding in _lint(model, device, offsets, aliases)]


def is_plan_wrong(model: Model, device: Device) -> bool:
    """Whether the model carries a plan that is wrong, or not known to be right, on a device."""
    return any(finding.severity is Severity.ERROR for finding in plan_findings(model, device))


def bearers(model: Model, device: Device) -> frozenset[KernelSet]:
    """The kernels that bear every overlap of the plan that a model carries; all without a plan."""
    met = _met(model, device)
    return frozenset(kernels for kernels in KernelSet if _bear(model, kernels, device, met))


def needs_cmsis_nn(model: Model, device: Device) -> bool:
    """Whether the plan is right on a device, but not where TFLM's own kernels run.

    Then a host can't run the plan. One that is wrong on the device too should be run, and fail.
    """
    borne = _bear(model, KernelSet.REFERENCE, device, _met(model, device))
    return not borne and not is_plan_wrong(model, device)


def needs_its_isa(model: Model, device: Device, borne: frozenset[KernelSet] | None = None) -> bool:
    """Whether the plan is right on a device, but not on one with another ISA.

    Args:
        borne: what :func:`bearers` says, where that is known.
    """
    known = bearers(model, device) if borne is None else borne
    return not known >= set(CMSIS_NN_SETS) and not is_plan_wrong(model, device)


def _met(model: Model, device: Device) -> list[Meeting]:
    """The same for all kernels: the scratch of a core is placed around the plan."""
    offsets = read_plan(model)
    return [] if offsets is None else meetings(description_of(model, device), offsets)


def _bear(model: Model, kernels: KernelSet, device: Device, met: Sequence[Meeting]) -> bool:
    """Whether kernels bear all pairs of tensors that meet."""
    if not met:
        return True
    return not clashes(met, [*aliases_on(model, kernels, device), *program_aliases(model)])


def _lint(
    model: Model, device: Device, offsets: Sequence[int], aliases: list[TensorAlias]
) -> list[Finding]:
    allowed = [*aliases, *program_aliases(model)]
    return lint(description_of(model, device), offsets, allowed)


def _strictly(finding: Finding, device: Device) -> Finding:
    """An overlap within one operator is an error where its kernel isn't proven to bear it."""
    if finding.severity is Severity.ERROR or len(finding.tensors) != PAIR:
        return finding
    reason = f"{finding.reason}; its kernel on {device.target} is not known to"
    return Finding(Severity.ERROR, finding.tensors, reason)
