"""Which rows of its inputs an operator reads for some rows of its output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tflopt.facts.operators import Kind, kind_of
from tflopt.facts.pads import amounts_of
from tflopt.facts.windows import RANK, SPATIAL, WIDTH, Axis, window_of
from tflopt.ir import Activation, DType, Op, Options, Padding, Value
from tflopt.ir.options import ConcatenationOptions
from tflopt.tiling.cut import Cut
from tflopt.tiling.grow import grown, growth_of
from tflopt.tiling.segment import Rows

ELEMENTWISE = frozenset({Kind.UNARY, Kind.BINARY})
"""An element of the output depends on the elements of the inputs at its place alone."""
WINDOWED = frozenset({Kind.CONVOLUTION, Kind.DEPTHWISE, Kind.POOL})
GROWING = frozenset({Kind.RESIZE, Kind.TRANSPOSE_CONV})


class NotTileableError(Exception):
    """Bands of this operator, or of these rows, can't be computed from rows of its inputs."""

    def __init__(self, reason: str, op: Op) -> None:
        super().__init__(reason)
        self.reason = reason
        self.op = op


@dataclass(frozen=True)
class Read:
    """Rows of one input. ``before`` and ``after`` more of padding lie around them."""

    index: int
    rows: Rows
    before: int = 0
    after: int = 0


def axis_of(op: Op, axis: int) -> Axis:
    """The numbers of a window along an axis.

    Raises:
        NotTileableError: its shapes are not those of such an operator.
    """
    window = window_of(op)
    if window is None:
        raise NotTileableError("its window is malformed", op)
    return window[SPATIAL.index(axis)]


def reads_of(op: Op, axis: int, rows: Rows) -> tuple[Read, ...]:
    """What ``op`` reads of its tensors for ``rows`` of its output; the rest it reads whole.

    Raises:
        NotTileableError: nothing is known of that, or not only rows of its inputs matter.
    """
    _check_shapes(op, axis)
    kind = kind_of(op)
    if kind in WINDOWED:
        return (_read_window(op, axis, rows),)
    if kind in ELEMENTWISE:
        return tuple(_read_elements(op, axis, rows))
    if kind is Kind.PAD:
        return (_read_padded(op, axis, rows),)
    if kind is Kind.JOIN:
        return tuple(_read_joined(op, axis, rows))
    if kind in GROWING:
        return (Read(_grown_data(op), grown_of(op, axis, rows).read),)
    raise NotTileableError(f"{op.opcode.label} can't be computed in bands", op)


def _check_shapes(op: Op, axis: int) -> None:
    extra = op.extra
    others = extra.options2 is not None or extra.custom_options is not None
    if not isinstance(op.options, Options | None) or others:
        raise NotTileableError("its options are not understood", op)
    if len(op.outputs) != 1 or op.output.dtype is not DType.INT8:
        raise NotTileableError("only int8 layers with one output are computed in bands", op)
    shape = op.output.shape
    if len(shape) != RANK or shape[0] != 1:
        raise NotTileableError("it has no rows, or several images", op)
    if axis == WIDTH and shape[1] != 1:
        raise NotTileableError("columns are bands only where the height is 1", op)
    if not all(shape):
        raise NotTileableError("it has no elements", op)


def _data(op: Op, index: int) -> Value:
    value = op.input(index)
    if value is None or value.is_constant or value.is_variable:
        raise NotTileableError("its data is a constant or a variable", op)
    if len(value.shape) != RANK or value.shape[0] != 1 or value.dtype is not DType.INT8:
        raise NotTileableError("its data has no rows of int8", op)
    return value


def _read_window(op: Op, axis: int, rows: Rows) -> Read:
    _data(op, 0)
    for value in op.inputs[1:]:
        if value is not None and not value.is_constant:
            raise NotTileableError("its weights are computed", op)
    window = axis_of(op, axis)
    start, end = window.reads(*rows)
    first, last = max(start, 0), min(end, window.size)
    if first >= last:
        raise NotTileableError("a band would read padding alone", op)
    return Read(0, (first, last), first - start, end - last)


def _read_elements(op: Op, axis: int, rows: Rows) -> Iterator[Read]:
    for index, value in enumerate(op.inputs):
        if value is None:
            raise NotTileableError("an input is left out", op)
        place = axis - RANK + len(value.shape)
        if place < 0 or value.shape[place] == 1 != op.output.shape[axis]:
            continue
        if value.is_constant or value.is_variable or value.shape[place] != op.output.shape[axis]:
            raise NotTileableError("a constant or variable differs from row to row", op)
        _data(op, index)
        yield Read(index, rows)


def _read_padded(op: Op, axis: int, rows: Rows) -> Read:
    amounts, data = amounts_of(op), _data(op, 0)
    if amounts is None or amounts[0] != (0, 0) or (axis == WIDTH and amounts[1] != (0, 0)):
        raise NotTileableError("it pads by computed amounts, or before the rows", op)
    start, end = (row - amounts[axis][0] for row in rows)
    first, last = max(start, 0), min(end, data.shape[axis])
    if first >= last:
        raise NotTileableError("a band would be padding alone", op)
    return Read(0, (first, last), first - start, end - last)


def _read_joined(op: Op, axis: int, rows: Rows) -> Iterator[Read]:
    options = op.options
    if not isinstance(options, ConcatenationOptions):
        raise NotTileableError("it has no options", op)
    if options.fused_activation_function is not Activation.NONE:
        raise NotTileableError("it has an activation", op)
    if options.axis % RANK <= axis:
        raise NotTileableError("it joins along the rows", op)
    for index in range(len(op.inputs)):
        _data(op, index)
        yield Read(index, rows)


def _grown_data(op: Op) -> int:
    """Which input it reads by rows."""
    index = 2 if kind_of(op) is Kind.TRANSPOSE_CONV else 0
    _data(op, index)
    others = (value for place, value in enumerate(op.inputs) if place != index)
    if any(value is not None and not value.is_constant for value in others):
        raise NotTileableError("its weights or sizes are computed", op)
    return index


def grown_of(op: Op, axis: int, rows: Rows) -> Cut:
    """What `Kind.RESIZE` and `Kind.TRANSPOSE_CONV` read and make for some rows.

    Raises:
        NotTileableError: rows of a band aren't those of the whole.
    """
    growth = growth_of(op, axis, _grown_data(op))
    cut = None if growth is None else grown(growth, rows)
    if cut is None:
        raise NotTileableError("in bands its rows would not be those of the whole", op)
    return cut


def pads_itself(op: Op) -> bool:
    """Whether the window has SAME padding."""
    return getattr(op.options, "padding", None) is Padding.SAME
