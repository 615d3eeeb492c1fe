"""Compares tflopt's CMSIS-NN buffer sizes with CMSIS-NN's own functions.

The executorch wheel (1.5.1 and later, installed without its dependencies) carries a build of
CMSIS-NN for the host whose shared object exports every ``get_buffer_size`` function. It is plain C
code with ``int32_t`` fields only, so the host's 64 bits change nothing while a size stays below
2^31, which the layers here do. On the host a function without a suffix answers for plain C; its
``_dsp`` and ``_mve`` twins answer for the other builds.

    pip install --no-deps executorch==1.5.1
    python benchmarks/scratch_oracle.py --layers 200000 --seed 1
"""

from __future__ import annotations

import ctypes
import importlib.util
import inspect
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tflopt.target.cmsis_nn import sizes_convolve as conv
from tflopt.target.cmsis_nn import sizes_dense as dense
from tflopt.target.cmsis_nn import sizes_depthwise as dw
from tflopt.target.cmsis_nn import sizes_transpose_conv as tconv
from tflopt.target.cmsis_nn.structs import Dims, DwConvParams
from tflopt.target.cmsis_nn.versions import NEWEST, VERSIONS, Version
from tflopt.target.cortex_m import Isa

_LIBRARY = "backends/cortex_m/library/_cmsis_nn"
_SYMBOL = re.compile(rb"arm_\w+_buffer_size(?:_dsp|_mve)?\b")
_SINCE_2026_03 = "arm_transpose_conv_s8_get_buffer_size_mve"
_EDGES = (1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 31, 32, 33, 63, 64, 123, 124, 125, 255, 256, 512)


@dataclass(frozen=True)
class Case:
    """One layer, for all functions of its kind."""

    params: DwConvParams
    input: Dims
    filter: Dims
    output: Dims

    @property
    def width(self) -> int:
        """A pooling layer's ``output_x``."""
        return self.output.w

    @property
    def channels(self) -> int:
        """A pooling layer's ``ch_src``."""
        return self.input.c


Size = Callable[[Case, Isa, Version], int]


@dataclass(frozen=True)
class Kind:
    """A family of functions that take the same arguments, and its share of the layers."""

    share: float
    make: Callable[[random.Random], Case]
    arguments: Callable[[Case], tuple[object, ...]]
    sizes: dict[str, Size]


@dataclass
class Row:
    """One exported function: how many layers were compared, and the first that differed."""

    symbol: str
    isa: Isa
    layers: int = 0
    differences: int = 0
    example: str = ""


def find_library() -> Path | None:
    """CMSIS-NN's shared object in this environment's executorch, without importing the package."""
    spec = importlib.util.find_spec("executorch")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(root, _LIBRARY).glob("cmsis_nn*")):
            if path.suffix in {".so", ".pyd", ".dylib"}:
                return path
    return None


def exported(path: Path, library: ctypes.CDLL) -> list[str]:
    """The size functions that the library exports: names in the file that the loader resolves."""
    names = {match.decode() for match in _SYMBOL.findall(path.read_bytes())}
    return sorted(name for name in names if hasattr(library, name))


def _struct(*fields: int) -> ctypes.Array[ctypes.c_int32]:
    """Any of CMSIS-NN's parameter structs: every field of each is an ``int32_t``."""
    return (ctypes.c_int32 * len(fields))(*fields)


def _dims(case: Case) -> tuple[ctypes.Array[ctypes.c_int32], ...]:
    return tuple(_struct(d.n, d.h, d.w, d.c) for d in (case.input, case.filter, case.output))


def _tiles(p: DwConvParams) -> tuple[tuple[int, int], ...]:
    """Stride, padding, dilation: of a ``cmsis_nn_tile`` the width comes first."""
    return (p.stride_w, p.stride_h), (p.pad_w, p.pad_h), (p.dilation_w, p.dilation_h)


def _conv_arguments(case: Case) -> tuple[object, ...]:
    """Two offsets, three tiles, two bounds of the activation; then the dimensions."""
    stride, padding, dilation = _tiles(case.params)
    return (_struct(0, 0, *stride, *padding, *dilation, 0, 0), *_dims(case))


def _dw_arguments(case: Case) -> tuple[object, ...]:
    """The channel multiplier comes after the offsets."""
    stride, padding, dilation = _tiles(case.params)
    params = _struct(0, 0, case.params.ch_mult, *stride, *padding, *dilation, 0, 0)
    return (params, *_dims(case))


def _tconv_arguments(case: Case) -> tuple[object, ...]:
    """The padding's offsets come after the padding."""
    stride, padding, dilation = _tiles(case.params)
    return (_struct(0, 0, *stride, *padding, 0, 0, *dilation, 0, 0), *_dims(case))


def _size_around(rng: random.Random, limit: int) -> int:
    return min(rng.choice(_EDGES) if rng.random() < 0.5 else rng.randint(1, limit), limit)


def _padding(rng: random.Random, out: int, stride: int, taps: int, inp: int) -> int:
    """The padding SAME gives, none, or one that no converter would write."""
    kind = rng.randrange(3)
    return (max(0, ((out - 1) * stride + taps - inp) // 2), 0, rng.randint(0, 3))[kind]


def _windows(rng: random.Random) -> tuple[DwConvParams, Dims, int, int, int, int]:
    """Parameters, a batch with one channel, a kernel and an output, often of a single row."""
    one_row, pointwise = rng.random() < 0.4, rng.random() < 0.2
    h, w = 1 if one_row else _size_around(rng, 96), _size_around(rng, 200)
    kh = 1 if pointwise or (one_row and rng.random() < 0.9) else rng.randint(1, 11)
    kw = 1 if pointwise else rng.choice((rng.randint(1, 11), rng.randint(1, 40), 3))
    stride_h, stride_w = rng.choice((1, 1, 2, 3)), rng.choice((1, 1, 2, 3, 4, 5, 8))
    oh, ow = -(-h // stride_h), max(1, rng.choice((-(-w // stride_w), (w - kw) // stride_w + 1)))
    dilation = rng.choice(((1, 1), (1, 1), (1, 1), (2, 1), (1, 2), (2, 3)))
    params = DwConvParams(
        stride_h,
        stride_w,
        _padding(rng, oh, stride_h, kh, h),
        _padding(rng, ow, stride_w, kw, w),
        *dilation,
    )
    return params, Dims(rng.choice((1, 1, 1, 2, 4)), h, w, 1), kh, kw, oh, ow


def make_conv(rng: random.Random) -> Case:
    """A convolution: about a third of one row, some of one tap, some with groups."""
    params, input_, kh, kw, oh, ow = _windows(rng)
    c, groups = _size_around(rng, 600), rng.choice((1, 1, 1, 2, 4))
    filter_c = c // groups if c % groups == 0 else c
    filter_ = Dims(rng.choice((1, 1, 8)), kh, kw, filter_c)
    input_ = Dims(input_.n, input_.h, input_.w, c)
    return Case(params, input_, filter_, Dims(input_.n, oh, ow, _size_around(rng, 600)))


def make_depthwise(rng: random.Random) -> Case:
    """A depthwise convolution: many with one channel, with 3x3 taps, with 512 taps or about."""
    params, input_, kh, kw, oh, ow = _windows(rng)
    if rng.random() < 0.3:
        kh, kw = 3, 3
    elif rng.random() < 0.1:
        kh, kw = rng.choice(((16, 32), (1, 511), (7, 73), (1, 512), (23, 23), (22, 23)))
    c, multiplier = _size_around(rng, 300), rng.choice((1, 1, 1, 2, 4, 8, 9))
    c = 1 if rng.random() < 0.3 else c
    params = DwConvParams(**{**params.__dict__, "ch_mult": multiplier})
    input_ = Dims(input_.n, input_.h, input_.w, c)
    out = c * multiplier if rng.random() < 0.9 else _size_around(rng, 300)
    return Case(params, input_, Dims(1, kh, kw, out), Dims(input_.n, oh, ow, out))


def make_transpose_conv(rng: random.Random) -> Case:
    """A transpose convolution: strides on both sides of 2 and channels on both sides of 16."""
    h, w = _size_around(rng, 64), _size_around(rng, 64)
    params = DwConvParams(
        rng.randint(1, 5), rng.randint(1, 5), rng.randint(0, 3), rng.randint(0, 3)
    )
    c, out = rng.choice((15, 16, 17, _size_around(rng, 256))), _size_around(rng, 256)
    filter_ = Dims(out, rng.randint(1, 11), rng.randint(1, 11), c)
    output = Dims(1, h * params.stride_h, w * params.stride_w, out)
    return Case(params, Dims(1, h, w, c), filter_, output)


def make_dense(rng: random.Random) -> Case:
    """A dense, pooling or SVDF layer: nothing but channel counts matters."""
    n, h, w, c = (_size_around(rng, 5000) for _ in range(4))
    return Case(DwConvParams(), Dims(n, h, w, c), Dims(c, 1, 1, n), Dims(n, h, w, c))


def _sizes(fields: str, *functions: Callable[..., int]) -> dict[str, Size]:
    """tflopt's functions under CMSIS-NN's names, fed with the named fields of a case."""
    return {f.__name__.removesuffix("_buffer_size"): _size(f, fields.split()) for f in functions}


def _size(function: Callable[..., int], fields: list[str]) -> Size:
    takes = inspect.signature(function).parameters

    def size(case: Case, isa: Isa, version: Version) -> int:
        rest = {"isa": isa, "version": version}
        arguments = [getattr(case, field) for field in fields]
        return function(*arguments, **{k: v for k, v in rest.items() if k in takes})

    return size


CONV = _sizes(
    "params input filter output",
    conv.convolve_wrapper_s8_get_buffer_size,
    conv.convolve_wrapper_s4_get_buffer_size,
    conv.convolve_wrapper_s16_get_buffer_size,
    conv.convolve_1_x_n_s8_get_buffer_size,
    conv.convolve_1_x_n_s4_get_buffer_size,
)
CONV_DIMS = _sizes(
    "input filter",
    conv.convolve_s8_get_buffer_size,
    conv.convolve_s4_get_buffer_size,
    conv.convolve_s16_get_buffer_size,
)
CONV_1X1 = _sizes(
    "input",
    conv.convolve_1x1_s8_fast_get_buffer_size,
    conv.convolve_1x1_s4_fast_get_buffer_size,
)
DW = _sizes(
    "params input filter output",
    dw.depthwise_conv_wrapper_s8_get_buffer_size,
    dw.depthwise_conv_wrapper_s4_get_buffer_size,
    dw.depthwise_conv_wrapper_s16_get_buffer_size,
)
DW_DIMS = _sizes(
    "input filter",
    dw.depthwise_conv_s8_opt_get_buffer_size,
    dw.depthwise_conv_s4_opt_get_buffer_size,
    dw.depthwise_conv_fast_s16_get_buffer_size,
)
TCONV = _sizes("params input filter output", tconv.transpose_conv_s8_get_buffer_size)
TCONV_REVERSE = _sizes("params input filter", tconv.transpose_conv_s8_get_reverse_conv_buffer_size)
DENSE = _sizes(
    "input",
    dense.fully_connected_s8_get_buffer_size,
    dense.fully_connected_s16_get_buffer_size,
    dense.svdf_s8_get_buffer_size,
)
POOL = _sizes("width channels", dense.avgpool_s8_get_buffer_size, dense.avgpool_s16_get_buffer_size)

KINDS: tuple[Kind, ...] = (
    Kind(0.35, make_conv, _conv_arguments, CONV),
    Kind(0.08, make_conv, lambda c: _dims(c)[:2], CONV_DIMS),
    Kind(0.02, make_conv, lambda c: _dims(c)[:1], CONV_1X1),
    Kind(0.27, make_depthwise, _dw_arguments, DW),
    Kind(0.05, make_depthwise, lambda c: _dims(c)[:2], DW_DIMS),
    Kind(0.12, make_transpose_conv, _tconv_arguments, TCONV),
    Kind(0.05, make_transpose_conv, lambda c: _tconv_arguments(c)[:3], TCONV_REVERSE),
    Kind(0.03, make_dense, lambda c: _dims(c)[:1], DENSE),
    Kind(0.03, make_dense, lambda c: (c.width, c.channels), POOL),
)


def split(symbol: str) -> tuple[str, Isa]:
    """The name under which ``KINDS`` knows an exported function, and the build it answers for."""
    isa = {"_dsp": Isa.DSP, "_mve": Isa.MVE}.get(symbol[-4:], Isa.SCALAR)
    name = symbol.removeprefix("arm_").removesuffix("_dsp").removesuffix("_mve")
    return name.removesuffix("_buffer_size"), isa


def compare(
    library: ctypes.CDLL,
    symbols: Iterable[str],
    layers: int,
    seed: int,
    kinds: tuple[Kind, ...] = KINDS,
    version: Version = NEWEST,
) -> Iterator[Row]:
    """Compares every symbol that ``kinds`` knows on its kind's share of ``layers``."""
    wanted = list(symbols)
    for kind in kinds:
        rows = [Row(s, split(s)[1]) for s in wanted if split(s)[0] in kind.sizes]
        if not rows:
            continue
        pairs = [
            (row, getattr(library, row.symbol), kind.sizes[split(row.symbol)[0]]) for row in rows
        ]
        rng = random.Random(f"{seed}/{next(iter(kind.sizes))}")
        for _ in range(-int(-layers * kind.share // 1)):
            case = kind.make(rng)
            arguments = kind.arguments(case)
            for row, function, size in pairs:
                row.layers += 1
                theirs, ours = function(*arguments), size(case, row.isa, version)
                if theirs != ours:
                    row.differences += 1
                    row.example = row.example or f"{case}: CMSIS-NN {theirs}, tflopt {ours}"
        yield from rows


def agreeing_versions(library: ctypes.CDLL, symbols: list[str], seed: int) -> dict[str, int]:
    """Differences of each known version's sizes from the library's, on 4,000 layers."""
    return {
        version.name: sum(
            row.differences for row in compare(library, symbols, 4000, seed, version=version)
        )
        for version in VERSIONS
    }


def describe_version(symbols: list[str], differences: dict[str, int]) -> str:
    """Which CMSIS-NN the library is: by what it answers, as it states no version itself."""
    same = [name for name, count in differences.items() if count == 0]
    other = [f"{name} ({count} differences)" for name, count in differences.items() if count]
    newer = [symbol for symbol in symbols if symbol == _SINCE_2026_03]
    return (
        f"sizes as {' and '.join(same) or 'no known version'}, unlike {', '.join(other) or 'none'}"
        + (f"; exports {newer[0]}, which exists since 2026-03-09 (098d54a6)" if newer else "")
    )


def _open(path: Path | None) -> tuple[Path, ctypes.CDLL]:
    found = path or find_library()
    if found is None:
        typer.echo("no oracle: pip install --no-deps executorch==1.5.1 (Python 3.10 to 3.13)")
        raise typer.Exit(4)
    return found, ctypes.CDLL(str(found))


def main(
    layers: Annotated[int, typer.Option(help="Layers in all, shared out to the kinds.")] = 200_000,
    seed: Annotated[int, typer.Option(help="Seed of the random layers.")] = 1,
    function: Annotated[str, typer.Option(help="Only functions containing this text.")] = "",
    library: Annotated[Path | None, typer.Option(help="The shared object to ask.")] = None,
) -> None:
    """Exits with 1 on any difference, and when the library exports a function nobody compares."""
    path, oracle = _open(library)
    every = exported(path, oracle)
    symbols = [symbol for symbol in every if function in symbol]
    rows = list(compare(oracle, symbols, layers, seed))
    print(f"{'function':56} {'ISA':7} {'layers':>8} {'differences':>12}")
    for row in sorted(rows, key=lambda r: r.symbol):
        print(f"{row.symbol:56} {row.isa!s:7} {row.layers:>8} {row.differences:>12}")
        if row.example:
            print(f"    first: {row.example}")
    missing = sorted(set(symbols) - {row.symbol for row in rows})
    for symbol in missing:
        print(f"not compared: {symbol}")
    by_version = agreeing_versions(oracle, every, seed)
    print(f"oracle: {Path(*path.parts[-5:])}")
    print("its version: " + describe_version(every, by_version))
    total, wrong = sum(row.layers for row in rows), sum(row.differences for row in rows)
    print(
        f"seed {seed}: {layers} layers, {len(rows)} functions, {total} comparisons, {wrong} wrong"
    )
    if wrong or missing or not rows:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
