"""The whole grid, and how its layers are packed into models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.calibration import (
    grid_convolve,
    grid_dense,
    grid_integers,
    grid_movement,
    grid_other,
    grid_state,
)
from benchmarks.calibration.sample import Group, Sampler
from tflopt.io import write_bytes
from tflopt.ir import Op, Value
from tflopt.ir.builder import Builder
from tflopt.target.cost import LayerSpec, describe

GROUPS: tuple[Group, ...] = (
    *grid_convolve.GROUPS,
    *grid_dense.GROUPS,
    *grid_other.GROUPS,
    *grid_movement.GROUPS,
    *grid_integers.GROUPS,
    *grid_state.GROUPS,
)
LAYERS_PER_MODEL = 24
MODEL_BYTES = 400_000
"""Of weights and activations together: every board holds a model of that size."""


@dataclass(frozen=True)
class Layer:
    """One layer of the grid: the group that drew it and its description."""

    group: str
    spec: LayerSpec


@dataclass(frozen=True)
class Pack:
    """A model of layers that have nothing to do with each other, in execution order."""

    data: bytes
    layers: tuple[Layer, ...]


def packs(groups: Iterable[Group], seed: int, scale: float = 1.0) -> Iterator[Pack]:
    """Every group's layers, drawn from ``seed`` and the group's name alone."""
    for group in groups:
        dice = Random(f"{seed} {group.name}")
        count = max(4, round(group.count * scale))
        while count > 0:
            pack = _pack(group, dice, min(count, LAYERS_PER_MODEL))
            count -= len(pack.layers)
            yield pack


def grid_of(only: Sequence[str] | None, seed: int, scale: float) -> list[Pack]:
    """The packs of all groups, or of those whose name begins with one of ``only``."""
    chosen = [group for group in GROUPS if only is None or group.name.startswith(tuple(only))]
    return list(packs(chosen, seed, scale))


def _pack(group: Group, dice: Random, limit: int) -> Pack:
    builder = Builder()
    used = 0
    while len(builder.graph.ops) < limit and used < MODEL_BYTES:
        made = group.make(Sampler(builder, dice))
        outputs: Sequence[Value] = [made] if isinstance(made, Value) else made
        builder.output(*outputs)
        used += _size(builder.graph.ops[-1])
    layers = tuple(Layer(group.name, describe(op)) for op in builder.graph.ops)
    return Pack(write_bytes(builder.model), layers)


def _size(op: Op) -> int:
    values = [value for value in (*op.inputs, *op.outputs) if value is not None]
    return sum(value.size_bytes or 0 for value in values)
