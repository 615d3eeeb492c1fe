"""Features of the convolutions: counts of the loops that CMSIS-NN's functions run.

Sources: CMSIS-NN arm_convolve_s8.c, arm_convolve_1x1_s8{,_fast}.c, arm_convolve_1_x_n_s8.c,
arm_nn_mat_mult_nt_t_s8.c, arm_nn_mat_mult_kernel_s8_s16.c.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn.layers import ConvLayer
from tflopt.target.cortex_m import Isa
from tflopt.target.cost.copies import Features, memory_copies
from tflopt.target.cost.windows import window_of


def matrix_product(rows: int, columns: int, depth: int, isa: Isa, calls: int = 1) -> Features:
    """``arm_nn_mat_mult_nt_t_s8``: ``rows`` pixels, ``columns`` output channels.

    MVE takes four rows at once and 16 bytes of depth; DSP and scalar code two rows by two columns.
    """
    if isa is Isa.MVE:
        vectors = -(-depth // 16)
        fours, rest = divmod(rows, 4)
        return {
            "product calls": calls,
            "four rows": calls * fours,
            "four-row outputs": calls * fours * columns,
            "four-row vectors": calls * fours * columns * vectors,
            "single rows": calls * rest,
            "single-row outputs": calls * rest * columns,
            "single-row vectors": calls * rest * columns * vectors,
            "single-row last channels": calls * rest * (columns % 4),
        }
    pairs, odd = divmod(columns, 2)
    return {
        "product calls": calls,
        **_tiles("pair", calls * pairs, rows, depth, isa),
        **_tiles("last", calls * odd, rows, depth, isa),
    }


def _tiles(name: str, columns: int, rows: int, depth: int, isa: Isa) -> Features:
    """One pass over all rows for each pair of columns, in tiles of two rows."""
    block = 16 if isa is Isa.DSP else 4
    blocks, rest = divmod(depth, block)
    fours, ones = divmod(rest, 4)
    features: Features = {
        f"{name} passes": columns,
        f"{name} sum eights": columns * (depth // 8),
        f"{name} sum ones": columns * (depth % 8),
    }
    for label, count in (("tiles", columns * (rows // 2)), ("rows", columns * (rows % 2))):
        features[f"{name} {label}"] = count
        features[f"{name} {label} blocks"] = count * blocks
        features[f"{name} {label} fours"] = count * fours
        features[f"{name} {label} ones"] = count * ones
        features[f"{name} {label} with fours"] = count * (fours > 0)
        features[f"{name} {label} with ones"] = count * (ones > 0)
    return features


def convolve_1x1(layer: ConvLayer, isa: Isa) -> Features:
    """The 1x1 functions: one product, or with a stride one for each output row."""
    if (layer.stride_h, layer.stride_w) == (1, 1):
        rows = layer.batches * layer.output_h * layer.output_w
        return matrix_product(rows, layer.output_c, layer.input_c, isa)
    calls = layer.batches * layer.output_h
    return matrix_product(layer.output_w, layer.output_c, layer.input_c, isa, calls)


def convolve_1_x_n(layer: ConvLayer, isa: Isa) -> Features:
    """Left part, middle and right part are one product each; both ends are copied first."""
    total = (layer.output_w - 1) * layer.stride_w + layer.kernel_w - layer.input_w
    right_pad = layer.pad_w + total % 2
    left = -(-layer.pad_w // layer.stride_w)
    right = -(-right_pad // layer.stride_w)
    depth = layer.kernel_w * layer.input_c
    parts = (left, layer.output_w - left - right, right)
    features: Features = {"edge bytes": layer.batches * depth * (2 if total else 0)}
    for rows in parts:
        product = matrix_product(max(0, rows), layer.output_c, depth, isa, layer.batches)
        for name, count in product.items():
            features[name] = features.get(name, 0) + count
    return features


def convolve(layer: ConvLayer, isa: Isa) -> Features:
    """``arm_convolve_s8``: every window is copied, then multiplied in blocks of pixels."""
    groups = max(1, layer.input_c // max(1, layer.filter_c))
    window = window_of(layer)
    calls = layer.batches * groups
    copies = calls * window.taps
    features: Features = {
        "pixels": calls * window.pixels,
        "kernel rows": calls * window.pixels * window.h.kernel,
        "copies": copies,
        "padded copies": copies - calls * window.valid_taps,
    }
    return features | copied_product(layer, copies, calls, isa)


def copied_product(layer: ConvLayer, copies: int, calls: int, isa: Isa) -> Features:
    """The copies of ``convolve`` and its products, for ``calls`` runs over all pixels."""
    pixels = layer.output_h * layer.output_w
    depth = layer.kernel_h * layer.kernel_w * layer.filter_c
    columns = layer.output_c // max(1, layer.input_c // max(1, layer.filter_c))
    if isa is Isa.MVE:
        fours, rest = divmod(pixels, 4)
        blocks = matrix_product(4, columns, depth, isa, calls * fours)
        last = matrix_product(rest, columns, depth, isa, calls if rest else 0)
        vectors = {"copied vectors": copies * -(-layer.filter_c // 16)}
        return vectors | {name: blocks[name] + last[name] for name in blocks}
    return (
        memory_copies("copied", copies, layer.filter_c)
        | {
            "widened fours": calls * pixels * (depth // 4),
            "widened ones": calls * pixels * (depth % 4),
        }
        | _wide_product(pixels, columns, depth, calls)
    )


def _wide_product(pixels: int, columns: int, depth: int, calls: int) -> Features:
    """``arm_nn_mat_mult_kernel_s8_s16`` on pairs of pixels, a plain loop for a last one."""
    fours, ones = divmod(depth, 4)
    pairs = calls * (pixels // 2)
    single = calls * (pixels % 2)
    features: Features = {"pixel pairs": pairs}
    counts = (
        ("channel pairs", pairs * (columns // 2)),
        ("last channel", pairs * (columns % 2)),
        ("single outputs", single * columns),
    )
    for name, count in counts:
        features[name] = count
        features[f"{name} fours"] = count * fours
        features[f"{name} ones"] = count * ones
        features[f"{name} with ones"] = count * (ones > 0)
    return features


INT16_DEPTH_LIMIT = 512
"""``arm_convolve_s16`` adds up deeper windows in 64 bits."""


def convolve_s16(layer: ConvLayer, isa: Isa) -> tuple[str, Features]:
    """``arm_convolve_s16``: windows are copied, then multiplied in blocks of pixels."""
    window = window_of(layer)
    depth = window.kernel * layer.filter_c
    form = "arm_convolve_s16" + (" long" if depth >= INT16_DEPTH_LIMIT else "")
    at_once, width = (4, 8) if isa is Isa.MVE else (2, 4)
    blocks, rest = divmod(window.pixels, at_once)
    features: Features = {
        "pixels": window.pixels,
        "kernel rows": window.pixels * window.h.kernel,
        "copies": window.taps,
        "copied": window.taps * -(-layer.filter_c // 8),
    }
    for name, count in (("block", blocks), ("single", rest)):
        features[f"{name} outputs"] = count * layer.output_c
        features[f"{name} steps"] = count * layer.output_c * (depth // width)
        features[f"{name} rest"] = count * layer.output_c * (depth % width)
    return form, {name: layer.batches * value for name, value in features.items()}
