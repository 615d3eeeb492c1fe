"""What people read of a buffer: its name, and which layer's rows it holds."""

from __future__ import annotations

from tflopt.errors import printable
from tflopt.facts.bands import Tile, tiles_of
from tflopt.facts.operators import Kind, kind_of
from tflopt.facts.windows import HEIGHT, WIDTH
from tflopt.ir import Model, Op, Value
from tflopt.plan.lifetimes import PlannedBuffer, ScratchRef


class Labels:
    """Names of a model's buffers, and of the layers that bands come from.

    Tensors that lost their names, and their layers, are called as in ``original``, which the model
    came from; without it a layer is called by the first operator that computes some of it.
    """

    def __init__(self, model: Model, original: Model | None = None) -> None:
        self._model = model
        self._values = [list(graph.values) for graph in model.graphs]
        self._old = [list(graph.values) for graph in original.graphs] if original else []
        self._tiles = tiles_of(model)
        self._places = {op: index for index, op in enumerate(model.main.ops)}
        self._numbers = {value: index for index, value in enumerate(self._values[0])}
        self._layers = {
            tile.layer: name
            for value, tile in self._tiles.items()
            if (name := self._old_name(value)) and not _pads(value)
        }

    def name(self, buffer: PlannedBuffer) -> str:
        """The tensor's name or number, or whose scratch it is."""
        ref = buffer.ref
        if isinstance(ref, ScratchRef):
            op = self._model.graphs[ref.subgraph].ops[ref.op]
            return f"scratch of {op.opcode.label} {ref.op}"
        value = self._values[ref.subgraph][ref.tensor]
        return printable(value.name or self._old_name(value) or f"tensor {ref.tensor}")

    def origin(self, buffer: PlannedBuffer) -> str | None:
        """Which rows of which layer it holds, in a model with layers in bands; else None."""
        ref = buffer.ref
        if isinstance(ref, ScratchRef):
            return None if ref.subgraph else self.of_op(self._model.main.ops[ref.op])
        value = self._values[ref.subgraph][ref.tensor]
        tile = self._tiles.get(value)
        return None if tile is None else self._told(value, tile)

    def of_op(self, op: Op) -> str | None:
        """Which band of which layer an operator computes; None for others."""
        tiles = [self._tiles[value] for value in op.outputs if value in self._tiles]
        return self._band(tiles[0]) if tiles and tiles[0].is_band else None

    def _told(self, value: Value, tile: Tile) -> str:
        known = self._recorded(value)
        if known:
            return f"{known} of {self._layer(tile)}"
        if tile.is_band:
            return self._band(tile)
        start = "padded rows" if _pads(value) else "rows"
        if tile.rows is not None:
            return f"{_rows(*tile.rows)} of {self._tensor(tile.layer[0])}"
        if len(tile.bands) == 1:
            return f"{start} of {self._band(tile)}"
        return f"{start} of {self._layer(tile)}, bands {_which(tile.bands)} of {len(tile.layer)}"

    def _recorded(self, value: Value) -> str:
        """Its rows as the rewriter knows them, nothing where it doesn't."""
        parts = () if value.origin is None or not self._old else value.origin.parts
        indices = parts[-1].indices if parts and parts[-1].axis in (HEIGHT, WIDTH) else ()
        if not indices or indices != tuple(range(indices[0], indices[-1] + 1)):
            return ""
        return _rows(indices[0], indices[-1] + 1)

    def _band(self, tile: Tile) -> str:
        return f"{self._layer(tile)}, band {tile.bands[0] + 1} of {len(tile.layer)}"

    def _layer(self, tile: Tile) -> str:
        return self._layers.get(tile.layer) or self._operator(tile.layer[0])

    def _tensor(self, value: Value) -> str:
        return printable(value.name or self._old_name(value) or self._operator(value))

    def _operator(self, value: Value) -> str:
        op = value.producer
        return f"tensor {self._numbers[value]}" if op is None else f"{_code(op)} {self._places[op]}"

    def _old_name(self, value: Value) -> str:
        origin = value.origin
        if not self._old or origin is None:
            return ""
        return printable(self._old[origin.subgraph][origin.tensor].name or "")


def _pads(value: Value) -> bool:
    return value.producer is not None and kind_of(value.producer) is Kind.PAD


def _code(op: Op) -> str:
    return printable(op.opcode.label)


def _rows(start: int, end: int) -> str:
    return f"row {start}" if end == start + 1 else f"rows {start} to {end - 1}"


def _which(bands: tuple[int, ...]) -> str:
    """``1 and 2``, ``1 to 3``, ``1, 3 and 4``."""
    first, last = bands[0] + 1, bands[-1] + 1
    if len(bands) > 2 and last - first + 1 == len(bands):
        return f"{first} to {last}"
    return f"{', '.join(str(band + 1) for band in bands[:-1])} and {last}"
