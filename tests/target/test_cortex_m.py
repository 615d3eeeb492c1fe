import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflopt.errors import UsageError
from tflopt.target.cortex_m import Cpu, Isa, Target, all_targets

pytestmark = pytest.mark.unit

SPELLINGS = {
    "cortex-m0": (Cpu.M0, Isa.SCALAR),
    "cortex-m0plus": (Cpu.M0PLUS, Isa.SCALAR),
    "cortex-m0+": (Cpu.M0PLUS, Isa.SCALAR),
    "M0+": (Cpu.M0PLUS, Isa.SCALAR),
    "cortex-m0plus.small-multiply": (Cpu.M0PLUS, Isa.SCALAR),
    "m3": (Cpu.M3, Isa.SCALAR),
    "-mcpu=cortex-m4": (Cpu.M4, Isa.DSP),
    "Cortex-M4+nofp": (Cpu.M4, Isa.DSP),
    "CORTEX-M7+nofp.dp": (Cpu.M7, Isa.DSP),
    "cortex-m23": (Cpu.M23, Isa.SCALAR),
    "cortex-m33": (Cpu.M33, Isa.DSP),
    "cortex-m33+nodsp": (Cpu.M33, Isa.SCALAR),
    "cortex-m33+nodsp+nofp": (Cpu.M33, Isa.SCALAR),
    "cortex-m35p+nodsp": (Cpu.M35P, Isa.SCALAR),
    "cortex-m52": (Cpu.M52, Isa.MVE),
    "cortex-m52+nomve": (Cpu.M52, Isa.DSP),
    "cortex-m55+nomve": (Cpu.M55, Isa.DSP),
    "cortex-m55+nomve.fp": (Cpu.M55, Isa.MVE),
    "cortex-m55+nofp": (Cpu.M55, Isa.MVE),
    "Cortex-M85+nopacbti+nomve": (Cpu.M85, Isa.DSP),
}


@pytest.mark.parametrize(("text", "expected"), SPELLINGS.items())
def test_parses_gcc_spellings(text: str, expected: tuple[Cpu, Isa]) -> None:
    assert Target.parse(text) == Target(*expected)


@pytest.mark.parametrize("target", all_targets(), ids=str)
def test_canonical_spelling_round_trips(target: Target) -> None:
    assert Target.parse(str(target)) == target
    assert Target.parse(str(target).upper()) == target


def test_the_line_is_complete() -> None:
    assert [str(target) for target in all_targets()] == [
        "cortex-m0",
        "cortex-m0plus",
        "cortex-m3",
        "cortex-m4",
        "cortex-m7",
        "cortex-m23",
        "cortex-m33",
        "cortex-m33+nodsp",
        "cortex-m35p",
        "cortex-m35p+nodsp",
        "cortex-m52",
        "cortex-m52+nomve",
        "cortex-m55",
        "cortex-m55+nomve",
        "cortex-m85",
        "cortex-m85+nomve",
    ]


@pytest.mark.parametrize("cpu", Cpu, ids=str)
@pytest.mark.parametrize("isa", Isa, ids=str)
def test_only_legal_combinations_exist(cpu: Cpu, isa: Isa) -> None:
    if isa in cpu.legal_isas:
        assert Target(cpu, isa).isa is isa
        return
    with pytest.raises(UsageError, match=f"{cpu} has no {isa} build; legal: "):
        Target(cpu, isa)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cortex-m44", "did you mean cortex-m4"),
        ("m5", "did you mean cortex-m55"),
        ("host", "unknown target 'host'"),
        ("", "known: cortex-m0, cortex-m0plus"),
        ("cortex-a53", "cortex-m33\\+nodsp"),
        ("cortex-m4+nodsp", "cortex-m4 can't be built with \\+nodsp"),
        ("cortex-m55+nodsp", "legal: cortex-m55, cortex-m55\\+nomve"),
        ("cortex-m33+nomve", "legal: cortex-m33, cortex-m33\\+nodsp"),
        ("cortex-m4+simd", "unknown extension \\+simd"),
        ("cortex-m4+", "unknown extension"),
    ],
)
def test_impossible_targets_are_usage_errors(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Target.parse(text)


@given(st.text(max_size=30))
def test_any_text_parses_or_is_a_usage_error(text: str) -> None:
    try:
        target = Target.parse(text)
    except UsageError:
        return
    assert Target.parse(str(target)) == target


def test_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Target(Cpu.M4, Isa.DSP).isa = Isa.SCALAR  # type: ignore[misc]
