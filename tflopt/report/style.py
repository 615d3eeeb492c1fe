"""Columns, colours and numbers of what people read on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from tflopt.texts import lines

SMALL = "dim"
PIPE_WIDTH = 140
LEAST_PERCENT = 0.05
GAP, INDENT = 2, " " * 4
LEAST_REMARK = 20
"""Columns that the last cell of a row needs to stand beside the others."""


def size(count: int) -> str:
    """``53,936``: exact and readable."""
    return f"{count:,}"


def change(before: int, after: int) -> str:
    """``-35.6 %``, the difference where that is 0.0 %, empty where nothing changed."""
    if before == after:
        return ""
    percent = 100 * (after - before) / before if before else 0.0
    return f"{percent:+.1f} %" if abs(percent) >= LEAST_PERCENT else f"{after - before:+,}"


class SafeConsole(Console):
    """A console on which no text can do anything: what isn't printable is shown as an escape.

    Styles and the console's own control codes pass; text that comes from files never has any.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich does, with every text made harmless."""
        for segment in super().render(renderable, options):
            control = segment.control is not None
            yield segment if control else Segment(lines(segment.text), segment.style)


def make_console(*, stderr: bool = False) -> Console:
    """Standard output or error: as wide as the terminal, wide enough for tables in a pipe."""
    console = SafeConsole(highlight=False, soft_wrap=True, stderr=stderr)
    if console.is_terminal:
        return console
    return SafeConsole(highlight=False, width=PIPE_WIDTH, stderr=stderr)


def paragraph(console: Console, text: Text | str, *, lead: str = "", hang: int = 2) -> None:
    """A text behind ``lead``: one line in a pipe, on a terminal broken between words.

    The lines that follow are indented by the width of ``lead`` and ``hang`` more.
    """
    whole = Text(text) if isinstance(text, str) else text
    if not console.is_terminal:
        console.print(Text(lead).append_text(whole), soft_wrap=True)
        return
    indent = len(lead) + hang
    for number, line in enumerate(whole.wrap(console, max(20, console.width - indent))):
        console.print(Text(" " * indent if number else lead).append_text(line))


class WholeTable(Table):
    """Nothing of it is cut: where it is too wide, its last column is a line below each row."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As rich does where there is room."""
        columns = [[_text(cell) for cell in (c.header, *c.cells)] for c in self.columns]
        widths = [max(cell.cell_len for cell in column) for column in columns]
        least = min(widths[-1], LEAST_REMARK)
        if sum(widths[:-1]) + least + GAP * (len(widths) - 1) <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        for number, cells in enumerate(zip(*columns, strict=True)):
            yield from self._lines(number, cells, widths, console, options.max_width)

    def _lines(
        self,
        number: int,
        cells: Sequence[Text],
        widths: Sequence[int],
        console: Console,
        room: int,
    ) -> Iterator[Text]:
        below = widths[-1] > LEAST_REMARK
        line = Text(style="bold" if number == 0 else "")
        for cell, width, column in zip(cells, widths, self.columns, strict=True):
            gap = " " * (width - cell.cell_len)
            if below and column is self.columns[-1]:
                break
            parts = (gap, cell) if column.justify == "right" else (cell, gap)
            line = Text.assemble(line, " " if line else "", *parts)
        line.rstrip()
        yield line
        if below and cells[-1]:
            for part in cells[-1].wrap(console, room - len(INDENT)):
                yield Text(INDENT, style=line.style).append_text(part)


def _text(cell: RenderableType) -> Text:
    return cell.copy() if isinstance(cell, Text) else Text(str(cell))


def table(*columns: str, right: Iterable[int] = ()) -> Table:
    """A table in the house style; only its last column is broken over lines."""
    numeric = set(right)
    grid = WholeTable(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for index, column in enumerate(columns):
        last = index == len(columns) - 1
        justify: Literal["left", "right"] = "right" if index in numeric else "left"
        grid.add_column(column, justify=justify, overflow="fold", no_wrap=not last)
    return grid
