"""Failures that the fuzzer found stay fixed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.cases import all_cases, read_combo, save_case
from tests.fuzz.examine import Combo, Examiner, Fault, unstable
from tests.fuzz.generate import random_model
from tests.support.paths import needs_tflm
from tests.support.runtime import runtime
from tflopt.config import Goal
from tflopt.io import read_bytes

pytestmark = [pytest.mark.runtime, needs_tflm]


@pytest.mark.parametrize("path", all_cases(), ids=lambda path: path.stem)
def test_saved_case(path: Path) -> None:
    model, combo = read_bytes(path.read_bytes()), read_combo(path)
    found = Examiner(runtime(), litert=True).examine(model, [combo])
    assert not found.discarded
    assert not found.faults
    assert not unstable(model, Combo(overlap=None))


def test_a_case_is_read_as_it_was_saved(tmp_path: Path) -> None:
    combo = Combo(Goal.MEMORY, "cortex-m4", overlap=None, cmsis_nn="7.0.0")
    path = save_case(
        tmp_path, random_model(1), 1, Fault("mismatch", combo, "somewhere"), ["a-rule"]
    )
    assert path.name.startswith("mismatch-a-rule-")
    assert read_combo(path) == combo
