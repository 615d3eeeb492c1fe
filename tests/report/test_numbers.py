"""Numbers in texts: thousands are separated, and one thing is not called things."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.graphs import Net
from tests.support.paths import ROOT
from tflopt.io import write_bytes
from tflopt.texts import counted

pytestmark = pytest.mark.unit
THINGS = (
    "arrays|axes|blocks|boards|buffers|channels|dimensions|elements|entries|errors|fields|files|"
    "inputs|instructions|labels|layers|lines|models|names|objects|offsets|operators|outputs|"
    "paddings|parts|results|rows|rules|samples|scales|signatures|sizes|steps|subgraphs|tensors|"
    "times|values|warnings|weights"
)
PLURAL = re.compile(rf" (?:[a-z]+ )?({THINGS})\b")
ONE = re.compile(rf"(?<![\d,.\[(x-])1 (?:[a-z]+ )?({THINGS}|bytes)\b")
LONG = re.compile(r"(?<![\w.,:#/+-])\d{5,}(?![\w.])")
BYTES = re.compile(r" bytes\b")
WRITTEN = ("emit/",)
"""Sources in C."""
NEVER_ONE = {
    "api.py instructions": "no model takes one",
    "errors.py instructions": "no model takes one",
    "gate/firmware/judge.py times": "said above one only",
    "io/reading/c_source.py models": "said above one only",
    "io/reading/decode.py entries": "more than a file may have",
    "product/growth.py operators": "more than are looked at as usual",
    "report/channels.py channels": "a part of all channels of a layer",
    "report/channels.py instructions": "of whole layers",
    "report/console_kernels.py instructions": "no model takes one",
    "report/console.py inputs": "one is said otherwise",
    "report/html/frontier.py instructions": "no model takes one",
    "report/html/frontier.py results": "a table of several",
    "report/node_data.py instructions": "no operator takes one",
    "report/notes.py weights": "what a layer has",
    "report/views.py inputs": "one is said otherwise",
    "rewrite/rewriter.py values": "all values of a type",
    "target/annotation/packed.py rules": "six or a multiple",
    "target/hazards/entries/transpose_conv_rows.py rows": "a part of all rows",
    "verify/default_path.py outputs": "a part of all outputs",
    "verify/rounding.py elements": "a part of all elements",
}
"""Where a text says things of a number that is never one."""


def texts_of(path: Path) -> Iterator[tuple[ast.FormattedValue, str]]:
    """Each value that is put into a text, and the text behind it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, text in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant):
                yield value, str(text.value)


def sources() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "tflopt").rglob("*.py")):
        name = path.relative_to(ROOT / "tflopt").as_posix()
        if not name.startswith(WRITTEN):
            yield name, path


def is_constant(value: ast.FormattedValue) -> bool:
    return isinstance(value.value, ast.Name) and value.value.id.isupper()


def test_a_number_of_things_may_be_one() -> None:
    """``texts.counted`` knows; elsewhere the table says why it is never one."""
    found = set()
    for name, path in sources():
        for value, text in texts_of(path):
            things = PLURAL.match(text)
            number = value.format_spec is not None or isinstance(value.value, ast.Call | ast.BinOp)
            named = isinstance(value.value, ast.Name) and value.value.id.endswith("count")
            if things and not is_constant(value) and (number or named):
                found.add(f"{name} {things[1]}")
    assert found == set(NEVER_ONE)


def test_sizes_have_separators() -> None:
    """A number of bytes is formatted with ``:,``."""
    missing = [
        f"{name}:{value.lineno}"
        for name, path in sources()
        for value, text in texts_of(path)
        if BYTES.match(text) and value.format_spec is None and _is_number(value.value)
    ]
    assert missing == []


def _is_number(value: ast.expr) -> bool:
    names = value.id if isinstance(value, ast.Name) else getattr(value, "attr", "")
    calls = isinstance(value, ast.Call) and isinstance(value.func, ast.Name)
    is_length = calls and getattr(value.func, "id", "") == "len"  # type: ignore[attr-defined]
    return is_length or "bytes" in names or names in ("size", "need", "limit")


def test_counted() -> None:
    assert (counted(1, "layer"), counted(1234, "layer")) == ("1 layer", "1,234 layers")
    assert (counted(1, "axis", "axes"), counted(2, "axis", "axes")) == ("1 axis", "2 axes")


@pytest.fixture
def single(tmp_path: Path) -> Path:
    """A model with one of everything, and more than 9,999 bytes."""
    n = Net()
    n.output(n.conv(n.feed(1, 32, 64, 32), 64))
    path = tmp_path / "one.tflite"
    path.write_bytes(write_bytes(n.model))
    return path


@pytest.mark.parametrize(
    "line",
    [
        "inspect MODEL --memory --scratch --kernels --hazards",
        "optimize MODEL -o OUT --no-verify --explain",
        "optimize MODEL -o OUT --no-verify --max-arena 10001",
        "optimize MODEL -o OUT --no-verify --max-flash 10001B",
        "optimize MODEL -o OUT --no-verify --max-instructions 10001",
        "diff MODEL MODEL",
        "bench MODEL",
        "explore MODEL",
    ],
)
def test_commands_on_a_model_with_one_of_everything(
    line: str, single: Path, tmp_path: Path, cli: Cli
) -> None:
    words = {"MODEL": single, "OUT": tmp_path / "out.tflite"}
    ran = cli(*[words.get(word, word) for word in line.split()])
    text = "\n".join([ran.out, ran.err]).replace(str(tmp_path), "")
    assert text.strip()
    assert "internal" not in text
    assert ONE.findall(text) == []
    assert LONG.findall(text) == []


@pytest.mark.parametrize(
    ("text", "one", "long"),
    [
        ("1 operators", True, False),
        ("11 operators", False, False),
        ("1,001 inner tensors", False, False),
        ("needs 20480 bytes", False, True),
        ("needs 20,480 bytes, 1 output", False, False),
    ],
)
def test_what_is_noticed(text: str, one: bool, long: bool) -> None:
    assert (bool(ONE.search(text)), bool(LONG.search(text))) == (one, long)
