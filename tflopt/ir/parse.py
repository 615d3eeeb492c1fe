"""Reads the text form of :mod:`tflopt.ir.text` back into a model: what tests are written in.

Text says no more than what it shows, so the rest is made up, and the same each time:

- ``const i8[2,4]{0.1,0}`` has random elements; ``const i8[2]{0.1,0} = [1, 2]`` has these, and
  ``= 7`` is full of sevens. ``[1, 2]`` is an int32 constant of that shape.
- ``{per-channel 0}`` has scales of 0.01, 0.011, 0.012, ...
- operators have version 1; ``RELU@2(...)`` has version 2.

A variable has its type where it first occurs: ``SVDF(%0, ..., %1: var i8[1,4]{0.1,0})``. An
operator that writes one that was read before names it alone: ``%1 = CONCATENATION(%2, %3)``.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from functools import cache

import numpy as np

from tflopt.errors import ModelError
from tflopt.ir.builder import Builder
from tflopt.ir.model import Model
from tflopt.ir.node import Array, Op, OperatorCode, Value
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import MODELLED, Options
from tflopt.ir.quantization import Quantization
from tflopt.ir.types import Activation, DType, Padding

HEADER = re.compile(r"graph\((?P<inputs>.*)\) ->(?P<outputs>.*)")
LINE = re.compile(
    r"(?:(?P<outputs>.*?) ?= )?(?P<label>[\w-]+)(?:@(?P<version>\d+))?"
    r"\((?P<inputs>.*)\)(?P<options>[^()]*)"
)
TYPED = re.compile(
    r"(?:(?P<name>%\w+): )?(?:var )?(?P<dtype>\w+)\[(?P<shape>[\d,]*)\]"
    r"(?:\{(?P<quant>.*)\})?"
)
OPTION = re.compile(r"(\w+)=(\[.*?\]|\S*)")
SHARED = {
    "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D": "Pool2DOptions",
    "MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_ALL REDUCE_ANY REDUCE_PROD": "ReducerOptions",
    "MAXIMUM MINIMUM": "MaximumMinimumOptions",
    "L2_NORMALIZATION": "L2NormOptions",
}
"""Operators whose options have another name than their own."""
SHORT = {dtype.short: dtype for dtype in DType}


def parse(text: str) -> Model:
    """The model of a text, whose lines may be indented alike.

    Raises:
        ModelError: a line is no graph and no operator, or names what there isn't.
    """
    reader: _GraphReader | None = None
    model: Model | None = None
    for number, line in enumerate(inspect.cleandoc(text).splitlines(), 1):
        try:
            if header := HEADER.fullmatch(line.strip()):
                if reader is not None:
                    reader.finish()
                reader = _GraphReader(Builder(model), header)
                model = reader.builder.model
            elif line.strip() and reader is not None:
                reader.operator(line.strip())
            elif line.strip():
                raise ValueError("an operator stands before the first graph(...) -> ...")
        except (KeyError, ValueError, SyntaxError, TypeError) as error:
            raise ModelError(f"{error}: {line.strip()}", f"line {number}") from None
    if reader is None or model is None:
        raise ModelError("there is no graph(...) -> ...", "line 1")
    try:
        reader.finish()
    except ValueError as error:
        raise ModelError(str(error), "outputs") from None
    return model


@cache
def options_class(code: OpCode) -> type[Options] | None:
    """The options of an operator, found by its name; None for an operator without any."""
    shared = next((name for codes, name in SHARED.items() if code.name in codes.split()), None)
    class_name = shared or f"{code.name.replace('_', '')}Options"
    return next((cls for cls in MODELLED if cls.__name__.lower() == class_name.lower()), None)


class _GraphReader:
    """One graph, line by line."""

    def __init__(self, builder: Builder, header: re.Match[str]) -> None:
        self.builder = builder
        self.values: dict[str, Value] = {}
        self.outputs = _parts(header["outputs"])
        for text in _parts(header["inputs"]):
            name, dtype, shape, quant = _typed(text)
            self.values[name] = builder.input(shape, dtype, quant)

    def operator(self, line: str) -> None:
        """Add the operator of a line."""
        match = LINE.fullmatch(line)
        if match is None:
            raise ValueError("this is not an operator")
        inputs = [self._operand(text) for text in _parts(match["inputs"])]
        entry, options = self._entry(match["label"], int(match["version"] or 1)), None
        if entry.custom_code is None:
            options = _options(OpCode(entry.builtin), match["options"])
        op = Op(self.builder.graph, entry, options)
        op.set_inputs(inputs)
        op.set_outputs([self._result(text) for text in _parts(match["outputs"] or "")])
        self.builder.graph.insert(op)

    def finish(self) -> None:
        """Make the outputs that the header named outputs."""
        missing = [name for name in self.outputs if name not in self.values]
        if missing:
            raise ValueError(f"nothing makes {missing[0]}")
        self.builder.output(*(self.values[name] for name in self.outputs))

    def _entry(self, label: str, version: int) -> OperatorCode:
        if label in OpCode.__members__:
            return self.builder.model.opcode(OpCode[label], version)
        known = (e for e in self.builder.model.opcodes if e.custom_code == label)
        entry = next(known, OperatorCode(int(OpCode.CUSTOM), label, version))
        if entry not in self.builder.model.opcodes:
            self.builder.model.opcodes.append(entry)
        return entry

    def _result(self, text: str) -> Value:
        if text in self.values and self.values[text].is_variable:
            return self.values[text]
        if ": var " in text:
            value = self._result(text.replace(": var ", ": ", 1))
            value.is_variable = True
            return value
        name, dtype, shape, quant = _typed(text)
        if not name or name in self.values:
            raise ValueError(f"{name or text} is not the name of a new tensor")
        self.values[name] = self.builder.value(shape, dtype, quant)
        return self.values[name]

    def _operand(self, text: str) -> Value | None:
        if text == "none":
            return None
        if text.startswith("["):
            return self.builder.constant(np.asarray(ast.literal_eval(text), dtype=np.int32))
        if not text.startswith("const "):
            if ": var " in text:
                self._result(text)
            text = text.partition(":")[0]
            if text not in self.values:
                raise ValueError(f"nothing makes {text}")
            return self.values[text]
        kind, _, numbers = text.removeprefix("const ").partition(" = ")
        _, dtype, shape, quant = _typed(kind)
        data = _elements(numbers, dtype, shape, len(self.builder.graph.values))
        value = self.builder.constant(data, dtype)
        value.quant = quant or (Quantization() if value.ints() is not None else None)
        return value


def _parts(text: str) -> list[str]:
    """What commas separate outside of brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _typed(text: str) -> tuple[str, DType, tuple[int, ...], Quantization | None]:
    match = TYPED.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a type, as in i8[1,4]{{0.5,-3}}")
    if match["dtype"] not in SHORT:
        raise ValueError(f"there is no type {match['dtype']}")
    shape = tuple(int(extent) for extent in match["shape"].split(",") if extent)
    return match["name"] or "", SHORT[match["dtype"]], shape, _quant(match["quant"], shape)


def _quant(text: str | None, shape: tuple[int, ...]) -> Quantization | None:
    if text is None:
        return None
    if text.startswith("per-channel "):
        axis = int(text.removeprefix("per-channel "))
        return Quantization.per_channel([0.01 + 0.001 * n for n in range(shape[axis])], axis)
    scale, zero_point = text.split(",")
    return Quantization.per_tensor(float(scale), int(zero_point))


def _elements(text: str, dtype: DType, shape: tuple[int, ...], seed: int) -> Array:
    """The given elements, or random ones: small integers, floats around 0."""
    if dtype.numpy is None:
        raise ValueError(f"a constant of {dtype.short} can't be written as text")
    if text:
        return np.broadcast_to(np.asarray(ast.literal_eval(text), dtype=dtype.numpy), shape)
    rng = np.random.default_rng(seed)
    if dtype.numpy.kind == "f":
        return rng.standard_normal(shape).astype(dtype.numpy)
    return rng.integers(0 if dtype.numpy.kind in "ub" else -127, 128, shape).astype(dtype.numpy)


def _options(code: OpCode, text: str) -> Options | None:
    cls = options_class(code)
    given = dict(OPTION.findall(text))
    if cls is None and given:
        raise ValueError(f"{code.name} has no options")
    if cls is None:
        return None
    fields = {field.name: field for field in dataclasses.fields(cls)}
    unknown = given.keys() - fields.keys()
    if unknown:
        raise ValueError(f"{code.name} has no option {sorted(unknown)[0]}")
    return cls(**{name: _plain(value, fields[name].default) for name, value in given.items()})


def _plain(text: str, default: object) -> object:
    """A name of the enumeration that the default belongs to, or a literal."""
    if isinstance(default, Padding | Activation):
        return type(default)[text]
    try:
        item: object = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return tuple(item) if isinstance(item, list) else item
