"""Run each model on TFLM and LiteRT and rewrite the table in README.md.

Needs ``ai_edge_litert``, ``tflite_micro`` and ``tflite``, not TensorFlow.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np
import numpy.typing as npt
import tflite
from generator.registry import MODELS, Entry

HERE = Path(__file__).resolve().parent
RUNS = 64
ARENA_BYTES = 4 << 20
MARK = "<!-- table: written by describe.py -->\n"


Values = npt.NDArray[np.generic]


class Detail(TypedDict):
    """What either interpreter tells of a tensor, as far as it is used here."""

    index: int
    shape: npt.NDArray[np.int32]
    dtype: type[np.generic]


class Session(Protocol):
    """A loaded model."""

    def invoke(self, rng: np.random.Generator) -> list[Values]:
        """Run on random inputs; return all outputs."""


@dataclass(frozen=True)
class Outcome:
    """What a runtime made of a model: its outputs per run, or why there are none."""

    outputs: list[list[object]]
    milliseconds: float
    failure: str = ""


def main() -> None:
    """Describe every model, or serve as the child process that risks an abort."""
    if len(sys.argv) == 3:
        child(sys.argv[1], Path(sys.argv[2]).read_bytes())
        return
    readme = HERE / "README.md"
    head, _, rest = readme.read_text().partition(MARK)
    tail = rest.partition(MARK)[2]
    lines = ["| file | bytes | what | made in | TFLM | LiteRT reference | operators |"]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [describe(entry) for entry in MODELS if entry.folder == "models"]
    readme.write_text(head + MARK + "\n".join(lines) + "\n" + MARK + tail)


def describe(entry: Entry) -> str:
    """One row of the table."""
    path = HERE / "models" / f"{entry.name}.tflite"
    tflm, litert = run("tflm", path), run("litert", path)
    first = tflm.failure or f"{tflm.milliseconds:.1f} ms"
    second = litert.failure or compare(tflm, litert)
    size = path.stat().st_size
    made_in = entry.environment.value
    cells = (entry.name, f"{size:,}", purpose(entry), made_in, first, second, census(path))
    return f"| {' | '.join(cells)} |"


def purpose(entry: Entry) -> str:
    """The first line of the builder's docstring, read without importing TensorFlow."""
    tree = ast.parse((HERE / "generator" / f"{entry.family}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == entry.name:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    raise KeyError(entry.name)


def compare(tflm: Outcome, litert: Outcome) -> str:
    """How far LiteRT's reference kernels are from TFLM's."""
    if tflm.failure:
        return "runs"
    worst = 0.0
    for ours, theirs in zip(tflm.outputs, litert.outputs, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            difference = np.asarray(one, np.float64) - np.asarray(other, np.float64)
            worst = max(worst, float(np.abs(difference).max()))
    return "equal" if worst == 0.0 else f"differs by {worst:.3g}"


def run(runtime: str, path: Path) -> Outcome:
    """Run in a child process, because the interpreter may abort."""
    command = [sys.executable, "-W", "ignore", __file__, runtime, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 0:
        return Outcome(**json.loads(done.stdout.splitlines()[-1]))
    log = [line for line in done.stderr.splitlines() if line.strip()]
    reasons = [line for line in log if "Didn't find op" in line or "ailed" in line]
    reason = (reasons or log or ["no message"])[0].strip()
    return Outcome([], 0.0, f"no: {reason}"[:100].replace("|", "/"))


def child(runtime: str, data: bytes) -> None:
    """Print the outcome of seeded runs as JSON."""
    session: Session = Tflm(data) if runtime == "tflm" else LiteRt(data)
    rng = np.random.default_rng(11)
    outputs, started = [], time.perf_counter()
    for _ in range(RUNS):
        outputs.append([value.tolist() for value in session.invoke(rng)])
    spent = (time.perf_counter() - started) / RUNS * 1e3
    sys.stdout.write(json.dumps({"outputs": outputs, "milliseconds": spent}) + "\n")


def random_input(rng: np.random.Generator, detail: Detail) -> Values:
    """Uniform over the whole integer type, or over the samples' range for floats."""
    kind, shape = np.dtype(detail["dtype"]), detail["shape"]
    if kind.kind != "i":
        return rng.uniform(-1.0, 1.0, shape).astype(kind)
    limits = np.iinfo(kind)
    return rng.integers(limits.min, limits.max + 1, shape).astype(kind)


class Tflm:
    """The tflite-micro interpreter."""

    def __init__(self, data: bytes) -> None:
        from tflite_micro.python.tflite_micro import runtime

        self.interpreter = runtime.Interpreter.from_bytes(data, arena_size=ARENA_BYTES)
        graph = root(data).Subgraphs(0)
        self.inputs, self.outputs = graph.InputsLength(), graph.OutputsLength()

    def invoke(self, rng: np.random.Generator) -> list[Values]:
        for index in range(self.inputs):
            detail = self.interpreter.get_input_details(index)
            self.interpreter.set_input(random_input(rng, detail), index)
        self.interpreter.invoke()
        return [self.interpreter.get_output(index) for index in range(self.outputs)]


class LiteRt:
    """LiteRT with its reference kernels."""

    def __init__(self, data: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolver = OpResolverType.BUILTIN_REF
        self.interpreter = Interpreter(model_content=data, experimental_op_resolver_type=resolver)
        self.interpreter.allocate_tensors()

    def invoke(self, rng: np.random.Generator) -> list[Values]:
        for detail in self.interpreter.get_input_details():
            self.interpreter.set_tensor(detail["index"], random_input(rng, detail))
        self.interpreter.invoke()
        details = self.interpreter.get_output_details()
        return [self.interpreter.get_tensor(detail["index"]) for detail in details]


def root(data: bytes) -> tflite.Model:
    """The model's root table."""
    return tflite.Model.GetRootAs(data)


def census(path: Path) -> str:
    """How many operators of each kind, over all subgraphs."""
    model = root(path.read_bytes())
    names = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
    counts: Counter[str] = Counter()
    graphs = [model.Subgraphs(index) for index in range(model.SubgraphsLength())]
    for graph in graphs:
        for index in range(graph.OperatorsLength()):
            code = model.OperatorCodes(graph.Operators(index).OpcodeIndex())
            counts[names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]] += 1
    text = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    total = f"{sum(counts.values())}: {text}"
    return total if len(graphs) == 1 else f"{total} ({len(graphs)} subgraphs)"


if __name__ == "__main__":
    main()
