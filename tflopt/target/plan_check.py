"""Whether the offline plan that a model carries is right on a device, and on which others."""

from __future__ import annotations

from tflopt.ir import Model
from tflopt.plan.describe import read_plan
from tflopt.plan.lifetimes import TensorAlias
from tflopt.plan.lint import Finding, Severity, lint
from tflopt.target.device import Device
from tflopt.target.memory import PORTABLE, PlanRequest, aliases_of, description_of
from tflopt.target.vendor import program_aliases

PAIR = 2
"""A finding about two tensors is about their overlap."""


def plan_findings(model: Model, device: Device) -> list[Finding]:
    """What is wrong in the offline plan that a model carries; empty without one.

    Raises:
        ModelError: the plan is one that ``AllocateTensors`` refuses.
    """
    aliases = aliases_of(model, device, PlanRequest(overlap="target"))
    return [_strictly(finding, device) for finding in _lint(model, device, aliases)]


def is_plan_wrong(model: Model, device: Device) -> bool:
    """Whether the model carries a plan that is wrong, or not known to be right, on a device."""
    return any(finding.severity is Severity.ERROR for finding in plan_findings(model, device))


def needs_cmsis_nn(model: Model, device: Device) -> bool:
    """Whether the plan is right on a device, but only by the order in which its kernels work.

    A host's kernels don't share that order, so they can't run the plan. A plan that is wrong on
    the device too isn't one of them: it should be run, and fail.
    """
    aliases = aliases_of(model, device, PlanRequest())
    return _overlaps(model, device, aliases) and not is_plan_wrong(model, device)


def needs_its_isa(model: Model, device: Device) -> bool:
    """Whether the plan is right on a device, but not on one with another ISA."""
    aliases = aliases_of(model, device, PlanRequest(overlap=PORTABLE))
    return _overlaps(model, device, aliases) and not is_plan_wrong(model, device)


def _overlaps(model: Model, device: Device, allowed: list[TensorAlias]) -> bool:
    return any(len(finding.tensors) == PAIR for finding in _lint(model, device, allowed))


def _lint(model: Model, device: Device, aliases: list[TensorAlias]) -> list[Finding]:
    offsets = read_plan(model)
    if offsets is None:
        return []
    allowed = [*aliases, *program_aliases(model)]
    return lint(description_of(model, device), offsets, allowed)


def _strictly(finding: Finding, device: Device) -> Finding:
    """An overlap within one operator is an error where its kernel isn't proven to bear it."""
    if finding.severity is Severity.ERROR or len(finding.tensors) != PAIR:
        return finding
    reason = f"{finding.reason}; its kernel on {device.target} is not known to"
    return Finding(Severity.ERROR, finding.tensors, reason)
