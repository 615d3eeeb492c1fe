"""What an operator is stands in ``tflopt/facts``: few other files name it, and none lists several.

Counted are the modules outside ``tflopt/facts`` and ``tflopt/ir`` whose code says ``OpCode.NAME``;
what a rule is anchored at (``anchors`` of its class) is its own and not counted.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.unit
PACKAGE = ROOT / "tflopt"
APART = ("facts", "ir")
MOST_FILES = 6
MOST_LISTED = 2
DISPLAYS = (ast.Set, ast.Dict, ast.List, ast.Tuple, ast.BinOp, ast.MatchOr)


def modules() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in APART:
            yield path


def without_anchors(source: str) -> ast.Module:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.body = [part for part in node.body if not _is_anchors(part)]
    return tree


def _is_anchors(node: ast.stmt) -> bool:
    targets: list[ast.expr] = [node.target] if isinstance(node, ast.AnnAssign) else []
    targets += node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id == "anchors" for target in targets)


def named(tree: ast.AST) -> set[str]:
    """The operators that code says by name."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "OpCode"
        and not node.attr.startswith("_")
    }


def listed(tree: ast.AST) -> list[str]:
    """Sets, tables and the like of several operators."""
    displays = (node for node in ast.walk(tree) if isinstance(node, DISPLAYS))
    return [ast.unparse(node) for node in displays if len(named(node)) > MOST_LISTED]


def test_an_operator_is_named_in_few_files() -> None:
    files = defaultdict(list)
    for path in modules():
        for name in named(without_anchors(path.read_text())):
            files[name].append(str(path.relative_to(PACKAGE)))
    assert len(files) > 50
    assert {name: places for name, places in files.items() if len(places) > MOST_FILES} == {}
    sources = [path.read_text() for path in PACKAGE.rglob("*.py")]
    naming = [text for text in sources if "HARD_SWISH" in text]
    assert sum("HARD_SWISH" in named(ast.parse(text)) for text in naming) <= MOST_FILES


def test_no_file_lists_operators() -> None:
    lists = {path: listed(without_anchors(path.read_text())) for path in modules()}
    assert {str(path): found for path, found in lists.items() if found} == {}


@pytest.mark.parametrize(
    "source",
    [
        "PAIRS = frozenset({OpCode.ADD, OpCode.SUB, OpCode.MUL})",
        "def f(op):\n    return op.code in (OpCode.ADD, OpCode.SUB, OpCode.MUL)",
        "KERNELS = {OpCode.ADD: add, OpCode.SUB: sub, OpCode.MUL: mul}",
        "class R:\n    other = VIEWS | {OpCode.ADD} | {OpCode.SUB} | {OpCode.MUL}",
        "match code:\n    case OpCode.ADD | OpCode.SUB | OpCode.MUL:\n        pass",
    ],
)
def test_the_check_of_lists_can_fail(source: str) -> None:
    assert listed(without_anchors(source))
    assert named(without_anchors(source)) == {"ADD", "SUB", "MUL"}


def test_what_a_rule_is_anchored_at_is_its_own() -> None:
    source = "class R(Rule):\n    anchors: ClassVar[X] = frozenset({OpCode.A, OpCode.B, OpCode.C})"
    assert not named(without_anchors(source))
