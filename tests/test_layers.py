"""The order of the layers, what importing costs, and that rules edit through the rewriter."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.broken import small_model
from tests.support.paths import ROOT, TESTDATA

pytestmark = pytest.mark.unit
PACKAGE = ROOT / "tflopt"
# Each layer may import itself and what stands before it.
ORDER = (
    "texts",
    "errors",
    "version",
    "ir",
    "arith",
    "facts",
    "ranges",
    "io",
    "plan",
    "target",
    "run",
    "verify",
    "config",
    "rewrite",
    "layout",
    "search",
    "tiling",
    "rules",
    "annotation",
    "product",
    "report",
    "emit",
    "gate",
    "api",
    "cli",
    "__main__",
)
HEAVY = {"tensorflow", "tflite_micro", "ai_edge_litert", "tflite", "executorch"}
ASKED_FOR = {
    "tflopt.cli.batch",
    "tflopt.cli.report",
    "tflopt.gate.config",
    "tflopt.product.verification",
    "tflopt.report.json_report",
    "tflopt.run.device",
    "tflopt.run.runner",
    "tflopt.target.boards.board",
    "tflopt.target.probe",
    "tflopt.tiling.search",
    "tflopt.verify.compare",
}
"""Parts that take long to import, and that a plain ``optimize --no-verify`` doesn't need."""
STRUCTURE = {"set_input", "set_inputs", "set_outputs", "insert", "remove"}
MODULES = sorted(PACKAGE.rglob("*.py"))
RULES = sorted((PACKAGE / "rules").rglob("*.py"))
LONGEST = 400
OWN = {"trial"}
"""What a rule calls its clone."""


def layer(module: str) -> int | None:
    """The position of ``tflopt.<module>``, None for the package itself."""
    names = [name for name in ORDER if module == name or module.startswith(f"{name}.")]
    return ORDER.index(max(names, key=len)) if names else None


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names)


def upward(path: Path, source: str) -> list[str]:
    """Imports of a later layer than that of the module at ``path``."""
    own = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    here = layer(own)
    found = []
    for name in imports(ast.parse(source)):
        if name.startswith("tflopt."):
            there = layer(name.removeprefix("tflopt."))
            if here is not None and there is not None and there > here:
                found.append(f"{own} imports {name}")
    return found


def test_imports_go_one_way() -> None:
    assert [line for path in MODULES for line in upward(path, path.read_text())] == []


def test_the_check_of_layers_can_fail() -> None:
    line = "from tflopt.cli.main import run"
    assert upward(PACKAGE / "ir" / "x.py", line)
    assert upward(PACKAGE / "verify" / "x.py", "from tflopt.rules.pipeline import RULES")
    above = "from tflopt.product.optimize import Result"
    assert not upward(PACKAGE / "report" / "console.py", above)
    assert not upward(PACKAGE / "cli" / "x.py", line)


def imported(source: str) -> set[str]:
    """The modules of tflopt that a module loads, some of them only when a function is called."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    return {name for name in imports(tree) if name.startswith("tflopt.")}


def circle(sources: dict[str, str]) -> list[str]:
    """Modules that import each other in a circle, empty if there is none."""
    graph = {
        name: {
            found
            for each in imported(source)
            for found in (each, each.rpartition(".")[0])
            if found in sources and found != name
        }
        for name, source in sources.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    sources = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text()
        for path in MODULES
        if path.name != "__init__.py"
    }
    assert circle(sources) == []
    one, two = "from tflopt.b import x", "from tflopt import a"
    assert circle({"tflopt.a": one, "tflopt.b": two})
    later = "def f():\n    from tflopt import a"
    assert circle({"tflopt.a": one, "tflopt.b": later})


def test_every_module_has_a_layer() -> None:
    top = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert top - {name.split(".")[0] for name in ORDER} <= {"__init__"}


def runtimes(source: str) -> set[str]:
    """The runtimes that a module loads when it is imported."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = []
    return {name.split(".")[0] for name in imports(tree)} & HEAVY


def test_no_module_imports_a_runtime_when_it_is_imported() -> None:
    loaded = {str(path.relative_to(PACKAGE)): runtimes(path.read_text()) for path in MODULES}
    assert {path: names for path, names in loaded.items() if names} == {}
    assert runtimes("import tensorflow.lite") == {"tensorflow"}
    assert runtimes("def f():\n    import tensorflow") == set()


def test_a_worker_imports_no_part_of_tflopt() -> None:
    """It would take longer than running the model; ``tflopt/run/runner.py`` starts it as a file."""
    for name in ("worker.py", "guard.py"):
        tree = ast.parse((PACKAGE / "run" / name).read_text())
        assert not [found for found in imports(tree) if found.split(".")[0] == "tflopt"]


@pytest.mark.parametrize("stem", [None, "ds_cnn"])
def test_optimize_without_verification_loads_no_runtime(stem: str | None, tmp_path: Path) -> None:
    """And no ``numpy.ma``, which ``np.unique`` would load: a thirtieth of a small model's time."""
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model() if stem is None else (TESTDATA / f"{stem}.tflite").read_bytes())
    code = (
        "import sys\n"
        "from tflopt.cli.main import app\n"
        "app(['optimize', sys.argv[1], '--no-verify'], standalone_mode=False)\n"
        "print(sorted(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    modules = set(ast.literal_eval(done.stdout.splitlines()[-1]))
    loaded = {name.split(".")[0] for name in modules}
    assert {"tflopt", "numpy"} <= loaded
    assert not loaded & HEAVY
    assert {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES} >= ASKED_FOR
    assert not modules & {*ASKED_FOR, "numpy.ma"}


def test_no_file_is_written_by_flatbuffers() -> None:
    """Before 25.12.19 its builder lets tables of unlike sizes share a vtable: it only reads."""
    found = {name for path in MODULES for name in imports(ast.parse(path.read_text()))}
    assert {name for name in found if name.startswith("flatbuffers")} == {"flatbuffers.flexbuffers"}


def direct_edits(source: str) -> list[str]:
    """Assignments to attributes, and structural calls on anything but the rewriter.

    A private clone, which a rule makes to try something, is its own.
    """
    found = []
    tree = ast.parse(source)
    private = {
        ast.unparse(node.targets[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("clone(")
    }
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Delete):
            targets = node.targets
        for target in targets:
            for part in ast.walk(target):
                own = ast.unparse(part).split(".")[0] in {"self", *private}
                if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store | ast.Del):
                    found += [] if own else [ast.unparse(part)]
        if isinstance(node, ast.ClassDef):
            calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and n.args]
            plans = [n for n in calls if ast.unparse(n.func) == "write_plan"]
            found += [ast.unparse(n) for n in plans if ast.unparse(n.args[0]) not in OWN]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if node.func.attr in STRUCTURE and owner not in ("rw", "self.rw"):
                found.append(ast.unparse(node.func))
    return found


def test_rules_edit_through_the_rewriter_only() -> None:
    edits = {str(path.relative_to(PACKAGE)): direct_edits(path.read_text()) for path in RULES}
    assert {path: found for path, found in edits.items() if found} == {}


@pytest.mark.parametrize(
    "source",
    [
        "op.options = None",
        "value.extra.has_rank = True",
        "a, value.shape = 1, ()",
        "value.shape += (1,)",
        "del value.name",
        "op.set_input(0, x)",
        "op.graph.remove(op)",
        "graph.insert(op)",
        "class R:\n    def rewrite_model(self, model, rw):\n        write_plan(model, None)",
    ],
)
def test_the_check_of_rules_can_fail(source: str) -> None:
    assert direct_edits(source)
    assert not direct_edits("rw.set_input(op, 0, x)\nrw.remove(op)\nx = y.z")
    assert not direct_edits("trial = clone(model)\ntrial.main.ops = []")


def lengths() -> Iterator[tuple[str, int]]:
    """Lines of each module; the tables of the schema's enumerations and options aside."""
    for folder in ("tflopt", "tests", "benchmarks", "schema", "testdata"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            generated = path.name in ("options.py", "opcodes.py") and path.parent.name == "ir"
            if not generated:
                yield str(path.relative_to(ROOT)), len(path.read_text().splitlines())


def test_files_stay_short() -> None:
    assert {path: lines for path, lines in lengths() if lines >= LONGEST} == {}
