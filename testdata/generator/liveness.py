"""Refuse degenerate models: constant outputs, dead or saturated activations."""

from __future__ import annotations

import importlib.util
from collections import Counter
from typing import Any, Protocol, TypedDict

import numpy as np
import numpy.typing as npt

RUNS = 12
MOST_COMMON = 0.9  # ReLU leaves about half of the values at the zero point
DISTINCT = 8


Values = npt.NDArray[np.generic]


class Detail(TypedDict):
    """What the interpreter tells of a tensor, as far as it is used here."""

    index: int
    name: str
    shape: npt.NDArray[np.int32]
    dtype: type[np.generic]


class Interpreter(Protocol):
    """The methods that TensorFlow's and LiteRT's interpreters have in common."""

    def allocate_tensors(self) -> None: ...
    def invoke(self) -> None: ...
    def set_tensor(self, index: int, value: Values) -> None: ...
    def get_tensor(self, index: int) -> Values: ...
    def get_input_details(self) -> list[Detail]: ...
    def get_output_details(self) -> list[Detail]: ...
    def get_tensor_details(self) -> list[Detail]: ...
    def _get_ops_details(self) -> list[dict[str, Any]]: ...


def check_alive(data: bytes) -> str:
    """Run random inputs; raise ``AssertionError`` naming what is dead. Returns a summary."""
    interpreter = _interpreter(data)
    interpreter.allocate_tensors()
    written = _written_tensors(interpreter)
    seen: dict[int, list[Values]] = {index: [] for index in written}
    rng = np.random.default_rng(7)
    for _ in range(RUNS):
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], _random_like(rng, detail))
        interpreter.invoke()
        for index in written:
            seen[index].append(interpreter.get_tensor(index))
    for index, values in seen.items():
        _check_spread(written[index], np.stack(values))
    for detail in interpreter.get_output_details():
        _check_varies(detail["name"], np.stack(seen[detail["index"]]))
    return _census(interpreter)


def _interpreter(data: bytes) -> Interpreter:
    """TensorFlow's where it is installed, else the same as a package of its own."""
    if importlib.util.find_spec("tensorflow"):
        import tensorflow as tf

        make, resolvers = tf.lite.Interpreter, tf.lite.experimental.OpResolverType
    else:
        from ai_edge_litert import interpreter as litert

        make, resolvers = litert.Interpreter, litert.OpResolverType
    made: Interpreter = make(
        model_content=data,
        # The reference kernels lack an int8 TILE.
        experimental_op_resolver_type=resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    return made


def _written_tensors(interpreter: Interpreter) -> dict[int, str]:
    names = {
        detail["index"]: detail["name"]
        for detail in interpreter.get_tensor_details()
        if np.issubdtype(detail["dtype"], np.number)  # reading a resource handle may crash
    }
    operators = interpreter._get_ops_details()  # there is no public way
    return {i: names[i] for op in operators for i in op["outputs"] if i in names}


def _random_like(rng: np.random.Generator, detail: Detail) -> Values:
    kind, shape = np.dtype(detail["dtype"]), detail["shape"]
    if kind.kind != "i":
        return rng.uniform(-1.0, 1.0, shape).astype(kind)
    limits = np.iinfo(kind)
    return rng.integers(limits.min, limits.max + 1, shape).astype(kind)


def _check_spread(name: str, values: Values) -> None:
    if values.dtype not in (np.int8, np.int16) or values.size < 8 * DISTINCT:
        return
    _, counts = np.unique(values, return_counts=True)
    share = counts.max() / values.size
    assert len(counts) >= DISTINCT, f"{name} takes only {len(counts)} values"
    assert share < MOST_COMMON, f"{name} is one value to {share:.0%}"


def _check_varies(name: str, values: Values) -> None:
    distinct = np.unique(values.reshape(RUNS, -1), axis=0)
    assert len(distinct) > RUNS // 2, f"output {name} hardly depends on the input"


def _census(interpreter: Interpreter) -> str:
    operators = interpreter._get_ops_details()  # there is no public way
    counts = Counter(op["op_name"] for op in operators)
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
