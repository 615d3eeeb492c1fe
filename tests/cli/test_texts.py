"""No text of a model reaches a terminal, a source or a page raw: names that try to."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.cli import Cli
from tflopt.io import write
from tflopt.ir import Metadata, Model, OperatorCode, Signature
from tflopt.ir.builder import Builder
from tflopt.ir.node import Buffer
from tflopt.texts import ascii_text, c_comment, cell, lines, markdown, markup, printable

pytestmark = pytest.mark.unit
EVIL = "\x1b]0;owned\x07\x00\x9b31m\u202eé*/ -->]]>|<b>`@all`${x}\\\r\n\u2028#include"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys or a reader doesn't see."""


def evil_model() -> Model:
    """Every text of a file is the same attempt."""
    b = Builder()
    x = b.input((1, 4), name=EVIL)
    b.output(b.custom(OperatorCode(32, custom_code=EVIL), [x], [(1, 4)])[0])
    b.model.description = b.graph.name = EVIL
    next(iter(b.graph.outputs)).name = EVIL
    b.model.metadata = [Metadata(EVIL, Buffer())]
    b.model.buffers.append(b.model.metadata[0].buffer)
    ends = b.graph.inputs[0], b.graph.outputs[0]
    b.model.signatures = [Signature(b.graph, EVIL, [(EVIL, ends[0])], [(EVIL, ends[1])])]
    return b.model


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect",),
        ("inspect", "--flash"),
        ("inspect", "--kernels"),
        ("inspect", "--scratch"),
        ("inspect", "--hazards"),
        ("inspect", "--memory"),
        ("inspect", "--json"),
        ("optimize", "--no-verify", "--explain"),
        ("optimize", "--no-verify", "--report", "-"),
        ("optimize", "--no-verify", "--html", "page.html"),
        ("report", "--no-verify"),
        ("report", "--no-verify", "--markdown"),
        ("report", "--no-verify", "--svg", "page.svg"),
        ("diff",),
        ("diff", "--format", "markdown"),
        ("validate",),
        ("emit", "--dir", "c", "--main"),
        ("emit", "--dir", "arduino", "--layout", "arduino"),
        ("fit",),
        ("bench", "--runner", "predicted"),
        ("view", "--no-open", "--node-data", "nodes", "--netron", "netron.tflite"),
        ("inspect", "--runs"),
        ("inspect", "--channels"),
        ("optimize", "--no-verify", "--timing", "--print-after", "remove-dead"),
        ("optimize", "--no-verify", "--only", ""),
        ("optimize", "--samples", "1"),
    ],
    ids=" ".join,
)
def test_no_command_hands_on_what_a_name_holds(
    arguments: tuple[str, ...], cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``inspect`` and the comments of ``emit`` had ESC and U+202E raw; "é" was exit code 4."""
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "in.tflite"
    write(evil_model(), model)
    others = [model] if arguments[0] in ("diff", "validate") else []
    ran = cli(*arguments, model, *others)
    assert ran.code == 0
    assert "internal" not in ran.err
    assert not RAW.search(ran.out + ran.err)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix not in (".tflite", ".bin"):
            text = path.read_text(encoding="utf-8")
            assert not RAW.search(text), path
            if path.suffix in (".h", ".cc", ".c", ".txt", ".cmake", ".properties"):
                assert text.isascii(), path


def test_no_report_of_check_hands_on_what_a_name_holds(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JUnit, SARIF, Markdown, GitHub's summary and the screen; the files are named so, too."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    name = f"in{EVIL.replace(chr(0), '').replace('/', '')}.tflite"
    write(evil_model(), tmp_path / name)
    (tmp_path / f"bad{name}").write_bytes(b"no model")
    paths = [name, f"bad{name}"]
    entries = [f"[[model]]\npath = {json.dumps(path)}\nmax-arena = 16\n" for path in paths]
    (tmp_path / "t.toml").write_text("\n".join(entries), encoding="utf-8")
    outputs = ["--junit", "j.xml", "--sarif", "s.json", "--markdown", "m.md", "--github-summary"]
    for arguments in (outputs, ["--json"]):
        ran = cli("check", "t.toml", *arguments)
        assert ran.code in (1, 3), ran.err
        assert "internal" not in ran.err
        assert not RAW.search(ran.out + ran.err)
    for file in ("j.xml", "s.json", "m.md", "summary.md"):
        assert not RAW.search((tmp_path / file).read_text(encoding="utf-8")), file
    ElementTree.parse(tmp_path / "j.xml")
    json.loads((tmp_path / "s.json").read_text())


def test_every_way_out_is_harmless() -> None:
    """All of Unicode's first planes, through each function."""
    every = "".join(map(chr, [*range(0x3000), *range(0xD800, 0xD810), *range(0xFE00, 0x10000)]))
    for shown in (printable, lines, ascii_text, c_comment, markup, markdown, cell):
        text = shown(every)
        text.encode("utf-8")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text), shown
    assert "*/" not in c_comment(EVIL)
    assert "/*" not in c_comment("/ /* *")
    assert "\n" not in c_comment(EVIL)
    assert "<" not in markup(EVIL) + markdown(EVIL).replace("\\<", "") + cell(EVIL)
    assert ascii_text("é\t") == "\\xe9\\t"
    assert sys.getdefaultencoding() == "utf-8"
