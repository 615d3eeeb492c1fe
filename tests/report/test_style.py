"""Tables on terminals of any width: no cell is cut."""

from __future__ import annotations

from io import StringIO

import pytest

from tflopt.report.style import SafeConsole, table

pytestmark = pytest.mark.unit
REMARK = "a remark that is longer than what stands beside it"


def printed(width: int, *rows: tuple[str, ...]) -> str:
    out = StringIO()
    console = SafeConsole(
        file=out, width=width, force_terminal=True, no_color=True, highlight=False, soft_wrap=True
    )
    grid = table("#", "operator", "share", "why", right=(0, 2))
    for row in rows:
        grid.add_row(*row)
    console.print(grid)
    return out.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")


@pytest.mark.parametrize("width", [20, 30, 40, 50, 80, 140])
@pytest.mark.parametrize("why", [REMARK, "9,999", ""])
def test_every_cell_is_whole(width: int, why: str) -> None:
    rows = [(str(n), "DEPTHWISE_CONV_2D", "22.6 %", why) for n in range(9, 12)]
    lines = printed(width, *rows).splitlines()
    assert lines[0].split()[:3] == ["#", "operator", "share"]
    for row in rows:
        assert [line for line in lines if line.split()[:4] == " ".join(row[:3]).split()]
    assert all(word in " ".join(lines) for word in why.split())


def test_a_remark_stands_beside_or_below() -> None:
    row = ("1", "ADD", "22.6 %", REMARK)
    beside, below = printed(140, row), printed(30, row)
    assert [line.split()[0] for line in beside.splitlines()] == ["#", "1"]
    lines = below.splitlines()
    assert lines[0].split() == ["#", "operator", "share"]
    assert lines[1] == "    why"
    assert lines[2].split() == ["1", "ADD", "22.6", "%"]
    assert lines[3].startswith("    a remark")
    assert max(map(len, lines)) <= 30
