"""A version of CMSIS-NN or of TFLM and a core are a few lines in one file each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.unit

CMSIS_NN = (
    "target/cmsis_nn/versions.py",
    {
        "VERSIONS: tuple[Version, ...] = (V7_0_0, VE096196, V4AB83CC, V99F736A)\n": (
            'NEW = Version("abc1234", "v7.0.0-50-gabc1234", "2026-10-01", "new", True, True)\n'
            "VERSIONS: tuple[Version, ...] = (V7_0_0, VE096196, V4AB83CC, V99F736A, NEW)\n"
        )
    },
)
TFLM = (
    "target/setup.py",
    {
        "RUNTIMES = (TFLM_3B20912, TFLM_90B983C)\n": (
            'NEW = Runtime("abcd123", "2026-10-01", "4ab83cc", "new")\n'
            "RUNTIMES = (TFLM_3B20912, TFLM_90B983C, NEW)\n"
        )
    },
)
CORE = (
    "target/cortex_m.py",
    {
        '    M85 = "cortex-m85"\n': '    M85 = "cortex-m85"\n    M99 = "cortex-m99"\n',
        "    Cpu.M85: Isa.MVE,\n": "    Cpu.M85: Isa.MVE,\n    Cpu.M99: Isa.MVE,\n",
    },
)
USE_IT = """
import sys
from pathlib import Path
from tests.support.broken import small_model
from tflopt.cli.main import app
from tflopt.target.annotation import decode
Path("in.tflite").write_bytes(small_model())
plain = ["optimize", "in.tflite", "--no-verify", "--annotate", "file"]
app([*plain, *sys.argv[1:]], standalone_mode=False)
annotation = decode(next(Path(".").glob("*.tflopt")).read_bytes())
print(annotation.target, annotation.cmsis_nn)
"""


@pytest.mark.parametrize(
    ("added", "options", "words"),
    [
        (CMSIS_NN, ["--target=m55", "--cmsis-nn=abc1234"], "cortex-m55 abc1234"),
        (TFLM, ["--target=m4", "--tflm=abcd123"], "cortex-m4 4ab83cc"),
        (CORE, ["--target=m99"], "cortex-m99 99f736a"),
    ],
    ids=["cmsis-nn", "tflm", "core"],
)
def test_it_is_one_file(
    tmp_path: Path, added: tuple[str, dict[str, str]], options: list[str], words: str
) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tflopt", tmp_path / "tflopt", ignore=ignored)
    name, edits = added
    path = tmp_path / "tflopt" / name
    source = path.read_text()
    for old, new in edits.items():
        assert source.count(old) == 1
        source = source.replace(old, new)

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", USE_IT, *options],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )

    before = run()
    assert before.returncode != 0
    assert "unknown" in before.stderr
    path.write_text(source)
    after = run()
    assert after.returncode == 0, after.stderr
    assert after.stdout.splitlines()[-1] == words
