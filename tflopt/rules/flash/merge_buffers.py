"""Store equal constant data once."""

from __future__ import annotations

from typing import ClassVar

from tflopt.ir import Buffer, Model, Value
from tflopt.rewrite import ModelRule, Rewriter, Stage


class MergeBuffers(ModelRule):
    """Let tensors with equal constant data share one buffer; empty buffers become buffer 0.

    Exact: constant data is only read. Left alone are buffers of variables and of the model's
    inputs (an application may write to them), data behind the FlatBuffer, and a buffer 0 that
    has data (TFLM reads it; to LiteRT a tensor of buffer 0 has none).
    """

    name: ClassVar[str] = "merge-buffers"
    number: ClassVar[int] = 77
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STRIP,)
    rank: ClassVar[int] = 80

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Point every tensor and metadata entry to the first buffer with its data."""
        if not model.buffers:
            return
        fixed = {value.buffer for g in model.graphs for value in g.values if _is_written(value)}
        empty = model.buffers[0]
        first: dict[bytes, Buffer] = {}
        stand_in: dict[Buffer, Buffer] = {}
        for buffer in model.buffers:
            if buffer in fixed or buffer.external:
                continue
            if not buffer.size_bytes:
                if empty.size_bytes == 0 and not empty.external:
                    stand_in[buffer] = empty
                continue
            if buffer is empty:
                continue
            assert buffer.data is not None
            stand_in[buffer] = first.setdefault(buffer.data.tobytes(), buffer)
        merged = self._redirect(model, stand_in, rw)
        if empty.data is not None and not empty.size_bytes and not empty.external:
            rw.update(empty, data=None)
            rw.note("buffer 0 loses its empty vector")
        if merged:
            rw.note(f"{merged} tensors or metadata entries share the buffer of another")

    @staticmethod
    def _redirect(model: Model, stand_in: dict[Buffer, Buffer], rw: Rewriter) -> int:
        merged = 0
        for graph in model.graphs:
            for value in graph.values:
                other = stand_in.get(value.buffer) if value.buffer is not None else None
                if other is not None and other is not value.buffer:
                    rw.update(value, buffer=other)
                    merged += 1
        for entry in model.metadata or ():
            other = stand_in.get(entry.buffer, entry.buffer)
            if other is not entry.buffer:
                rw.update(entry, buffer=other)
                merged += 1
        listed = [stand_in.get(buffer, buffer) for buffer in model.metadata_buffers or ()]
        if model.metadata_buffers is not None and listed != model.metadata_buffers:
            rw.update(model, metadata_buffers=listed)
        return merged


def _is_written(value: Value) -> bool:
    return value.is_variable or (value.is_graph_input and value.has_data)
