"""Pages about models as they are: one to explore, or several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from tflopt.report import views
from tflopt.report.html.page import memory_figure, panels, parts, script, template
from tflopt.report.memory_map import memory_side, top_of
from tflopt.report.plain import Plain, table, text
from tflopt.texts import counted

SECTIONS = (
    ("summary", "Totals"),
    ("explorer", "Explorer"),
    ("memory", "Memory"),
    ("channels", "Channels"),
    ("frontier", "Frontier"),
    ("hazards", "Hazards"),
)
WIDTH, HEIGHT = 520, 130
WHOLE_WIDTH = 1_240
"""Of the one memory map, which has the page for itself."""
SMALL_PERCENT = 0.1


def view_page(report: Plain) -> str:
    """The page of one model: everything but a comparison; self-contained as every page."""
    memory = memory_side(report, "input")
    page = template("view.html.j2").render(
        name=views.model_name(report),
        **parts(script()),
        **panels(report, {"input": "before"}, SECTIONS),
        titles={"before": "The model"},
        headline=views.headline(report),
        totals=views.totals(report),
        maps={"input": _figure(memory) if memory else {}},
    )
    return page + "\n"


def _figure(memory: Plain) -> dict[str, object]:
    return memory_figure("input", memory, top_of([memory]), WHOLE_WIDTH)


@dataclass(frozen=True)
class Bar:
    """One model's value as a rectangle, in the picture's units."""

    left: float
    top: float
    width: float
    height: float
    told: str

    @property
    def middle(self) -> float:
        """Where its label stands."""
        return self.left + self.width / 2


@dataclass(frozen=True)
class Series:
    """A number of each model; None where it is not known."""

    title: str
    names: Sequence[str]
    values: Sequence[int | None]

    @property
    def changes(self) -> list[str]:
        """Against the first model, in percent; empty for the first and for what is unknown."""
        return [_change(self.values[0], value) for value in self.values]

    @property
    def bars(self) -> list[Bar]:
        """The values to one scale, side by side."""
        most = max((value or 0 for value in self.values), default=0) or 1
        step = WIDTH / len(self.values)
        bars = []
        for place, (name, value) in enumerate(zip(self.names, self.values, strict=True)):
            height = round(HEIGHT * (value or 0) / most, 1)
            told = f"{name}: {'unknown' if value is None else f'{value:,}'}"
            left, top = round(place * step + step * 0.15, 1), round(HEIGHT - height, 1)
            bars.append(Bar(left, top, round(step * 0.7, 1), height, told))
        return bars

    @property
    def points(self) -> str:
        """The line over the bars."""
        return " ".join(f"{bar.middle:.1f},{bar.top}" for bar in self.bars)


def series_page(reports: Sequence[Plain]) -> str:
    """Several models, or versions of one, as small multiples with their totals."""
    names = [PurePath(text(table(report, "input"), "path")).name for report in reports]
    measured = [(*views.headline(report), *views.totals(report)) for report in reports]
    series = [
        Series(column[0].name, names, [measure.before for measure in column])
        for column in zip(*measured, strict=True)
    ]
    tool = table(reports[0], "tool")
    page = template("series.html.j2").render(
        name=counted(len(names), "model"),
        names=names,
        series=series,
        target=text(reports[0], "target"),
        cmsis_nn=text(reports[0], "cmsis_nn"),
        version=text(tool, "version"),
        **parts(script()),
    )
    return page + "\n"


def _change(first: int | None, value: int | None) -> str:
    if not first or value is None or value == first:
        return ""
    percent = 100 * (value - first) / first
    return f"{percent:+.{1 if abs(percent) >= SMALL_PERCENT else 3}f} %"
