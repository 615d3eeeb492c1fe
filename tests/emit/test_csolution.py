"""A csolution layer: its text, and that it names what was written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.paths import TESTDATA

pytestmark = pytest.mark.unit
DS = TESTDATA / "ds_cnn.tflite"
LAYER = """\
layer:
  description: kws for TensorFlow Lite Micro, with its operators, arena and quantization
  add-path:
    - .
  groups:
    - group: kws
      files:
        - file: kws_data.cc
        - file: kws_data.h
        - file: kws_info.h
        - file: kws_ops.h
"""


def emitted(cli: Cli, folder: Path, *options: str) -> str:
    done = cli("emit", DS, "-d", folder, "--name", "kws", "--layout", "csolution", *options)
    assert (done.code, done.err) == (0, "")
    return (folder / "kws.clayer.yml").read_text()


def test_the_layer_of_a_model(cli: Cli, tmp_path: Path) -> None:
    assert emitted(cli, tmp_path / "kws") == LAYER


@pytest.mark.parametrize("options", [[], ["--main"], ["--language", "c"], ["--incbin"]])
def test_every_source_is_in_it_once(options: list[str], cli: Cli, tmp_path: Path) -> None:
    layer = emitted(cli, tmp_path / "kws", *options)
    written = {path.name for path in (tmp_path / "kws").iterdir()}
    named = re.findall(r"- file: (.+)", layer)
    assert sorted(named) == sorted(written - {"kws.clayer.yml", "kws.tflite"})
    assert ("add-path-asm:" in layer) == (options == ["--incbin"])
