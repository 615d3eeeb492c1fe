from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflopt.errors import ModelError
from tflopt.plan.encode import decode, encode

pytestmark = pytest.mark.unit


def test_words() -> None:
    assert encode([0, -1, 32], 1).hex() == "010000000100000003000000" + "00000000ffffffff20000000"


@given(st.lists(st.integers(-1, 1000).map(lambda n: n * 16 if n >= 0 else -1)))
def test_round_trip(offsets: list[int]) -> None:
    assert decode(encode(offsets, 2), len(offsets)) == offsets


@pytest.mark.parametrize("offset", [-16, -2, 8, 1 << 31])
def test_nothing_wrong_is_written(offset: int) -> None:
    with pytest.raises(ValueError, match="can't be written"):
        encode([offset], 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "too short"),
        (b"\0" * 11, "too short"),
        (encode([0, 0], 1), "2 offsets for 3 tensors"),
        (encode([0, 0, 0], 1)[:-1], "23 bytes where 24 are needed"),
    ],
)
def test_malformed_buffers_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        decode(data, 3)


def test_trailing_words_are_ignored() -> None:
    assert decode(encode([16], 1) + b"junk", 1) == [16]
