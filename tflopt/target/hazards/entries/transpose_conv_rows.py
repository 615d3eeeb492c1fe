"""A transposed convolution writes rows to the wrong place, or more rows than there are."""

from __future__ import annotations

from tflopt.ir import OpCode
from tflopt.target.cmsis_nn.layers import TransposeConvLayer
from tflopt.target.device import Device
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site
from tflopt.texts import counted

Row = frozenset[tuple[int, int]]
"""What an output row sums up: pairs of an input row and a filter row."""


MOST_ROWS = 1 << 14
"""Taller layers, which no microcontroller has, are not followed row by row."""


def computed_rows(layer: TransposeConvLayer, flushes_partly: bool) -> list[Row]:
    """The rows that ``arm_transpose_conv_s8`` writes, in order, by following its ring of rows.

    ``flushes_partly``: the version counts how many rows are final after each input row.
    """
    kernel, stride, pad = layer.kernel_h, layer.stride_h, layer.pad_h
    ring: list[set[tuple[int, int]]] = [set() for _ in range(max(kernel, stride))]
    written: list[Row] = []
    place = 0
    for row in range(layer.input_h):
        top = max(0, pad - row * stride)
        bottom = max(0, row * stride + kernel - (pad + layer.output_h) - 1)
        for step, tap in enumerate(range(top, kernel - bottom)):
            ring[(place + step) % len(ring)].add((row, tap))
        final = stride if top == 0 else 0
        if flushes_partly:
            final = max(0, (row + 1) * stride - pad) - max(0, row * stride - pad)
        for _ in range(final):
            written.append(frozenset(ring[place]))
            ring[place] = set()
            place = (place + 1) % len(ring)
    for step in range(kernel - stride):
        if pad <= layer.input_h * stride + step < pad + layer.output_h:
            written.append(frozenset(ring[place]))
        place = (place + 1) % len(ring)
    return written


def expected_rows(layer: TransposeConvLayer) -> list[Row]:
    """The rows of the reference: input row times stride plus tap less padding."""
    rows: list[set[tuple[int, int]]] = [set() for _ in range(layer.output_h)]
    for row in range(layer.input_h):
        for tap in range(layer.kernel_h):
            target = row * layer.stride_h + tap - layer.pad_h
            if 0 <= target < layer.output_h:
                rows[target].add((row, tap))
    return [frozenset(row) for row in rows]


def has_right_rows(device: Device) -> bool:
    """Whether the kernels of ``device`` write every row where it belongs, whatever the padding."""
    version = device.cmsis_nn
    return version is None or version.transpose_conv_rows_right


def _meets(site: Site) -> Detail:
    layer = site.layer
    if not isinstance(layer, TransposeConvLayer) or site.use.function != "arm_transpose_conv_s8":
        return None
    if max(layer.input_h, layer.output_h, layer.kernel_h, layer.stride_h) > MOST_ROWS:
        return None
    rows = computed_rows(layer, has_right_rows(site.device))
    expected = expected_rows(layer)
    if rows == expected:
        return None
    numbers = f"kernel {layer.kernel_h}, stride {layer.stride_h}, padding {layer.pad_h}"
    if len(rows) > len(expected):
        return (
            f"{numbers}: it writes {counted(len(rows), 'row')} into an output of {len(expected):,}"
        )
    wrong = sum(a != b for a, b in zip(rows, expected, strict=False)) + len(expected) - len(rows)
    return f"{numbers}: {wrong} of {len(expected)} rows are wrong"


HAZARD = Hazard(
    name="transpose-conv-rows",
    operators=frozenset({OpCode.TRANSPOSE_CONV}),
    part="CMSIS-NN",
    where="arm_transpose_conv_s8.c counts wrongly how many rows are final after an input row",
    affected=(
        "all cores; most padded layers before CMSIS-NN commit 4a8f5b5d (issue 230), and in every "
        "known version tall filters over few rows, and outputs of fewer rows than rows times stride"
    ),
    symptom="output rows hold other rows' sums, or rows are written behind the output",
    evidence=Evidence.EXECUTED,
    rule="crop-transpose-conv",
    advice="choose a padding that is a multiple of the stride",
    meets=_meets,
)
