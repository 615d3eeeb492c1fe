"""Names of variables, parameters and fields are nouns of the domain."""

from __future__ import annotations

import ast

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.unit
EMPTY = {"found", "each", "wanted", "few"}
"""They say nothing of what a variable holds: rules, rows, a match, an offset."""


def empty_names(text: str) -> list[str]:
    """Each place at which a module binds such a name, as ``line: name``."""
    places = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.MatchAs | ast.ExceptHandler):
            name = node.name or ""
        else:
            continue
        places += [f"{node.lineno}: {name}"] if name.strip("_").lower() in EMPTY else []
    return places


def test_names_say_what_they_hold() -> None:
    paths = sorted((ROOT / "tflopt").rglob("*.py"))
    places = {str(path.relative_to(ROOT)): empty_names(path.read_text()) for path in paths}
    assert len(paths) > 100
    assert {path: names for path, names in places.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "found = []",
        "found: list[int] = []",
        "if (found := f()): pass",
        "a, (each, b) = x",
        "for each in x: pass",
        "f = [each for each in x]",
        "f = sorted(x, key=lambda each: -each)",
        "with open(x) as found: pass",
        "def f(wanted: int) -> int: return wanted",
        "def f(*, few: int = 0) -> int: return few",
        "def _wanted() -> None: pass",
        "class Found: pass",
        "class A:\n    found: int = 0",
        "self.found = 1",
        "try: f()\nexcept E as found: pass",
        "match x:\n    case [found]: pass",
    ],
)
def test_the_check_of_names_can_fail(source: str) -> None:
    assert len(empty_names(source)) == 1


def test_other_names_are_fine() -> None:
    assert not empty_names("rows = [row.each for row in found(wanted)]\nfounder = few")
