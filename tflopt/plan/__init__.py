"""The memory planner: plans TFLM's arena ahead of time, and predicts every byte of it.

See docs/planner.md. The parts that don't know the IR work on plain data: `problem`, `validate`,
`lower_bound`, `greedy`, `lifetimes`, `solve`, `offline`, `encode`, `lint`, `tflm`, `overlap`.
"""

from tflopt.plan.costs import KernelMemory, describe_costs
from tflopt.plan.describe import describe, read_plan, tensor_refs, write_plan
from tflopt.plan.find_aliases import in_place_aliases, kernel_gap, overlap_aliases
from tflopt.plan.lint import Finding, Severity, lint
from tflopt.plan.offline import (
    HeadUse,
    OfflineOptions,
    OfflinePlan,
    plan_offline,
    simulate_head,
)
from tflopt.plan.solve import SolveOptions
from tflopt.plan.tflm import ArenaUse, arena_use

__all__ = [
    "ArenaUse",
    "Finding",
    "HeadUse",
    "KernelMemory",
    "OfflineOptions",
    "OfflinePlan",
    "Severity",
    "SolveOptions",
    "arena_use",
    "describe",
    "describe_costs",
    "in_place_aliases",
    "kernel_gap",
    "lint",
    "overlap_aliases",
    "plan_offline",
    "read_plan",
    "simulate_head",
    "tensor_refs",
    "write_plan",
]
