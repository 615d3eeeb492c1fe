"""``action.yml``: the commands of its steps, run as a composite action runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT, TESTDATA, needs_tflm

pytestmark = pytest.mark.runtime
STEP = re.compile(r"^      run: (.*)$", re.M)


def commands() -> list[str]:
    return STEP.findall((ROOT / "action.yml").read_text())


@needs_tflm
def test_the_last_step_checks_a_configuration(tmp_path: Path) -> None:
    install, check = commands()
    assert install.endswith('"$GITHUB_ACTION_PATH[verify]"')
    config = tmp_path / "tflopt.toml"
    for budget, code in (("1M", 0), ("1K", 1)):
        model = TESTDATA / "ds_cnn.tflite"
        config.write_text(f'[[model]]\npath = "{model}"\nmax-flash = "{budget}"\n')
        summary = tmp_path / f"{budget}.md"
        done = subprocess.run(
            ["bash", "-c", check],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "CONFIG": "tflopt.toml",
                "ARGUMENTS": "--quiet",
                "GITHUB_STEP_SUMMARY": str(summary),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "ds_cnn" in summary.read_text()
        assert (tmp_path / "tflopt.xml").read_text().startswith("<?xml")
