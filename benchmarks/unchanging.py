"""How many channels that are not proved constant can change: a search for inputs that change them.

    python benchmarks/unchanging.py [MODEL.tflite...] [--samples 400] [--rounds 6]

Samples of many kinds run on LiteRT's reference kernels. For each channel that none of them changed
and that no range proves constant, an input is then driven by gradients out of the clamp, and run.
Prints, for each model, how many channels never changed on 60 samples, on all, and after the
search, and how many are proved: what lies between is true and unproved, or needs a better search.
Exits with 1 where a channel changed that is proved constant.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from benchmarks.falsifying.samples import draw
from benchmarks.falsifying.surrogate import Floats, Layer, backward, forward, front, scale_of
from tflopt.arith.fixed_point import Ints
from tflopt.io.files import load
from tflopt.ir import DType, Model, Op
from tflopt.ranges import ranges_of
from tflopt.report.channels import constant_channels, layer_ops

SHARED = Path(__file__).resolve().parents[2] / "shared"
DEFAULT = (
    "models/ad01_int8",
    "models/hello_world_int8",
    "models/vww_96_int8",
    "field/models/diy_alexa",
    "field/models/hello_world_esp",
    "field/models/hello_world_uraich",
    "field/models/mcunet_vww",
)
FEW, BATCH, STEPS = 60, 16, 16
Mask = npt.NDArray[np.bool_]


@dataclass
class Search:
    """The least and the largest number of each channel so far."""

    model: Model
    interpreter: Interpreter
    proved: dict[Op, Mask]
    rng: np.random.Generator
    seen: dict[Op, tuple[Ints, Ints]] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path) -> Search:
        """Nothing has run yet."""
        model, _ = load(path)
        resolver = OpResolverType.BUILTIN_REF
        interpreter = Interpreter(
            str(path),
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
        ranges = ranges_of(model.main)
        layers = [op for op in layer_ops(model.main) if op.output.dtype is DType.INT8]
        proved = {op: constant_channels(ranges, op.output) for op in layers}
        return cls(model, interpreter, proved, np.random.default_rng(0))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the input."""
        return self.model.main.inputs[0].shape

    def feed(self, numbers: Ints) -> None:
        """Run a sample of int8 numbers; a float input gets what they stand for."""
        details = self.interpreter.get_input_details()[0]
        sample: npt.NDArray[np.generic] = numbers
        if details["dtype"] is np.float32:
            scale, zero = scale_of(self.model.main.ops[0].output)
            sample = (numbers - zero) * scale
        elif details["dtype"] is np.uint8:
            sample = numbers + 128
        self.interpreter.set_tensor(details["index"], sample.astype(details["dtype"]))
        self.interpreter.invoke()
        place = {value: index for index, value in enumerate(self.model.main.values)}
        for op in self.proved:
            found = self.interpreter.get_tensor(place[op.output])
            rows = found.reshape(-1, found.shape[-1]).astype(np.int64)
            low, high = rows.min(axis=0), rows.max(axis=0)
            if op in self.seen:
                low, high = np.minimum(low, self.seen[op][0]), np.maximum(high, self.seen[op][1])
            self.seen[op] = low, high

    def never(self, op: Op) -> Mask:
        """The channels that had one number."""
        return np.asarray(self.seen[op][0] == self.seen[op][1])

    @property
    def count(self) -> int:
        """How many these are in all layers."""
        return sum(int(self.never(op).sum()) for op in self.proved)

    def drive(self, layers: list[Layer]) -> int:
        """Attack what is open in the last of some layers; how many channels were tried."""
        op = layers[-1].op
        channels = np.flatnonzero(self.never(op) & ~self.proved[op])
        for first in range(0, len(channels), BATCH):
            chosen = channels[first : first + BATCH]
            signs = self._signs(op, layers[-1], chosen)
            for sample in driven(layers, self._starts(len(chosen)), chosen, signs, self._limits()):
                self.feed(self._stored(sample))
        return len(channels)

    def _signs(self, op: Op, layer: Layer, channels: Ints) -> Floats:
        """1 to drive a channel up, -1 down: away from the clamp at which it is."""
        scale, zero = scale_of(op.output)
        real = (self.seen[op][0][channels] - zero) * scale
        free = self.rng.choice([-1.0, 1.0], len(channels))
        signs = np.where(real >= layer.high - scale / 2, -1.0, free)
        signs = np.where(real <= layer.low + scale / 2, 1.0, signs)
        return np.asarray(signs, dtype=np.float32)

    def _starts(self, count: int) -> Floats:
        scale, zero = self._affine()
        rows = [draw(self.rng, self.shape)[0] for _ in range(count)]
        return np.asarray((np.stack(rows) - zero) * scale, dtype=np.float32)

    def _limits(self) -> tuple[float, float]:
        scale, zero = self._affine()
        return (-128 - zero) * scale, (127 - zero) * scale

    def _stored(self, sample: Floats) -> Ints:
        scale, zero = self._affine()
        numbers = np.clip(np.rint(sample[None] / scale) + zero, -128, 127)
        return np.asarray(numbers, dtype=np.int64)

    def _affine(self) -> tuple[float, int]:
        """Of the int8 numbers that samples are."""
        value = self.model.main.inputs[0]
        if value.dtype is DType.FLOAT32:
            value = self.model.main.ops[0].output
        scale, zero = scale_of(value)
        return scale, zero - 128 if value.dtype is DType.UINT8 else zero


def driven(
    layers: list[Layer], x: Floats, channels: Ints, signs: Floats, limits: tuple[float, float]
) -> Floats:
    """For each sample the input on the way that drove its channel furthest."""
    op, rows, (low, high) = layers[-1].op, np.arange(len(x)), limits
    furthest, best, step = np.full(len(x), -np.inf), x.copy(), (high - low) / 4
    for number in range(STEPS):
        run = forward(layers, x)
        before = run.before[op].reshape(len(x), -1, run.before[op].shape[-1])
        reached = before[rows, :, channels] * signs[:, None]
        place = reached.argmax(axis=1)
        value = reached[rows, place]
        better = value > furthest
        furthest[better], best[better] = value[better], x[better]
        wanted = np.zeros_like(before)
        wanted[rows, place, channels] = signs
        gradient = backward(layers, run, wanted.reshape(run.before[op].shape))
        most = np.abs(gradient).max(axis=tuple(range(1, x.ndim)), keepdims=True) + 1e-12
        move = np.sign(gradient) if number % 2 == 0 else 2 * gradient / most
        x = np.asarray(np.clip(x + step * move, low, high), dtype=np.float32)
        step *= 0.85
    return np.asarray(best, dtype=np.float32)


def searched(path: Path, samples: int, rounds: int) -> tuple[str, int]:
    """A row for one model, and how many proofs were wrong."""
    search = Search.of(path)
    counts = []
    for number in range(samples):
        search.feed(draw(search.rng, search.shape))
        if number + 1 in (FEW, samples):
            counts.append(search.count)
    layers = front(search.model.main)
    for _ in range(rounds):
        ends = [end for end, layer in enumerate(layers, 1) if layer.op in search.proved]
        if not sum(search.drive(layers[:end]) for end in ends):
            break
    proved = sum(int(mask.sum()) for mask in search.proved.values())
    wrong = sum(int((mask & ~search.never(op)).sum()) for op, mask in search.proved.items())
    channels = sum(len(mask) for mask in search.proved.values())
    numbers = [channels, *counts, search.count, proved, search.count - proved]
    return f"| {path.stem} | {' | '.join(f'{number:,}' for number in numbers)} |", wrong


def main(
    models: Annotated[list[Path] | None, typer.Argument()] = None,
    samples: Annotated[int, typer.Option(min=FEW)] = 400,
    rounds: Annotated[int, typer.Option(min=0)] = 6,
) -> None:
    """A table."""
    head = ["model", "channels", f"never on {FEW} samples", f"on {samples}", "after the search"]
    print(f"| {' | '.join([*head, 'proved', 'open'])} |")
    print(f"|---{'|--:' * (len(head) + 1)}|")
    wrong = 0
    for path in models or [SHARED / f"{name}.tflite" for name in DEFAULT]:
        row, bad = searched(path, samples, rounds)
        wrong += bad
        print(row, flush=True)
    raise typer.Exit(int(wrong > 0))


if __name__ == "__main__":
    typer.run(main)
