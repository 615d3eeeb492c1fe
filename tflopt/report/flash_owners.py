"""Which operator a byte of the file belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflopt.io.described import stored_buffers
from tflopt.ir import Model, Op, Value

Codes = npt.NDArray[np.uint8]
Owners = npt.NDArray[np.int32]
SHARED = -1
"""The owner of what no single operator needs: tables of the model, its interface, padding."""
PLACE = re.compile(r"^Model\.(?:subgraphs\[(\d+)\]\.(operators|tensors)|(buffers))\[(\d+)\]")


@dataclass(frozen=True)
class OperatorFlash:
    """The bytes of one operator by kind: its table, its constants, and the tensors it produces.

    What several operators share (a constant, a shape) counts for one of them.
    """

    subgraph: int
    index: int
    by_kind: dict[str, int]


class Ownership:
    """From the path of an object in the file to the operator that owns it."""

    def __init__(self, model: Model) -> None:
        self.keys = [(n, i) for n, graph in enumerate(model.graphs) for i in range(len(graph.ops))]
        self._order = {op: index for index, op in enumerate(model.ops())}
        self._operators = [list(graph.ops) for graph in model.graphs]
        self._tensors = [list(graph.values) for graph in model.graphs]
        self._buffers = dict(self._owners_of_buffers(model))

    def _owners_of_buffers(self, model: Model) -> Iterator[tuple[int, int]]:
        index = {buffer: number for number, buffer in enumerate(stored_buffers(model))}
        for graph in model.graphs:
            for value in reversed(list(graph.values)):
                if value.buffer is not None and value.has_data:
                    yield index[value.buffer], self._of_value(value)

    def _of_value(self, value: Value) -> int:
        op: Op | None = value.producer or next(iter(value.users), None)
        return SHARED if op is None else self._order[op]

    def owner(self, where: str) -> int:
        """The position in ``keys`` of the operator, or ``SHARED``."""
        match = PLACE.match(where)
        if match is None:
            return SHARED
        number = int(match[4])
        if match[3]:
            return self._buffers.get(number, SHARED)
        group = self._operators if match[2] == "operators" else self._tensors
        graph = int(match[1])
        if graph >= len(group) or number >= len(group[graph]):
            return SHARED
        item = group[graph][number]
        return self._order[item] if isinstance(item, Op) else self._of_value(item)


def by_operator(
    ownership: Ownership, owners: Owners, codes: Codes, kinds: Sequence[str]
) -> tuple[tuple[OperatorFlash, ...], dict[str, int]]:
    """The bytes of each operator by kind, and of what is shared; together the whole file."""
    cells = np.bincount((owners.astype(np.int64) + 1) * len(kinds) + codes)
    rows: dict[int, dict[str, int]] = {}
    for cell in np.flatnonzero(cells):
        owner, code = divmod(int(cell), len(kinds))
        rows.setdefault(owner - 1, {})[kinds[code]] = int(cells[cell])
    shared = rows.pop(SHARED, {})
    return (
        tuple(OperatorFlash(*ownership.keys[owner], kinds) for owner, kinds in rows.items()),
        shared,
    )
