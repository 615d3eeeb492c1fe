"""The schema facts are the ones of the installed schema module, and the IR holds them all."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import subprocess
import sys

import pytest

from tests.support.paths import ROOT, present
from tflopt.io.schema import schema
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import MODELLED
from tflopt.ir.types import Activation, DType, Padding

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("cls", MODELLED, ids=lambda cls: cls.__name__)
def test_options_have_exactly_the_fields_of_the_schema(cls: type) -> None:
    slots = {slot.name: slot for slot in schema().tables[cls.__name__] if slot is not None}
    fields = {field.name: field for field in dataclasses.fields(cls)}
    assert fields.keys() == slots.keys()
    for name, slot in slots.items():
        if slot.kind == "scalar":
            assert fields[name].default == slot.default, name
        else:
            assert fields[name].default is None, name


def test_every_union_member_has_a_table() -> None:
    for union, members in schema().unions.items():
        for table in members.values():
            assert table in schema().tables, union


def test_generated_facts_are_up_to_date() -> None:
    package = "ai-edge-litert"
    if not present("ai_edge_litert"):
        pytest.skip(f"{package} is missing")
    installed = f"{package} {importlib.metadata.version(package)}"
    if installed != schema().source:
        pytest.skip(f"the schema is of {schema().source}, installed is {installed}")
    script = ROOT / "schema" / "regenerate.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_enums_agree_with_the_tflite_package() -> None:
    """An older, independent copy of the schema: what it has must have the same number."""
    tflite = pytest.importorskip("tflite")
    for enum, other in (
        (OpCode, tflite.BuiltinOperator),
        (DType, tflite.TensorType),
        (Padding, tflite.Padding),
        (Activation, tflite.ActivationFunctionType),
    ):
        theirs = {name: number for name, number in vars(other).items() if name.isupper()}
        assert len(theirs) >= 2
        ours = {name: int(member) for name, member in enum.__members__.items()}
        assert theirs.items() <= ours.items(), enum
