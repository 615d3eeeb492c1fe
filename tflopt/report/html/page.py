"""The report as one HTML file: everything inline, nothing fetched, all numbers from the JSON."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from tflopt.errors import UsageError, printable
from tflopt.report import views
from tflopt.report.html.arena import arena_of
from tflopt.report.html.channels import KINDS, channels_of
from tflopt.report.html.explorer import explorer_data
from tflopt.report.html.frontier import frontier_of
from tflopt.report.html.lanes import LANE_WIDTH, graphs
from tflopt.report.memory_map import MAP_CSS, left_out, memory_picture, memory_side, top_of
from tflopt.report.plain import Plain, number, rows

if TYPE_CHECKING:
    from jinja2 import Template

MOST_TABLE_ROWS = 400
SECTIONS = (
    ("summary", "What changed"),
    ("explorer", "Explorer"),
    ("memory", "Memory"),
    ("channels", "Channels"),
    ("frontier", "Frontier"),
    ("flash", "Flash"),
    ("cost", "Cost"),
    ("graph", "Graph"),
    ("rules", "Rules"),
    ("near", "Near misses"),
    ("hazards", "Hazards"),
    ("verification", "Verification"),
    ("options", "Options"),
)
NARROW_WIDTH, WIDE_WIDTH = 350, 640


def html_report(report: Plain) -> str:
    """The page for a report of ``optimize`` or of two files.

    It is self-contained and forbids itself any request; texts that come from the model are
    escaped. Its size is bounded: of large models it shows a part, and says so.
    """
    source = script()
    left_over = views.costs(report)
    still, disabled = views.idle(report)
    page = template("page.html.j2").render(
        name=views.model_name(report),
        **parts(source),
        **panels(report, {"input": "before", "output": "after"}, SECTIONS),
        titles={"before": "Before", "after": "After"},
        verdict=views.verdict(report),
        warnings=views.warnings(report),
        headline=views.headline(report),
        totals=views.totals(report),
        arenas=views.by_target(report, "arena_minimum_by_target"),
        works=views.by_target(report, "instructions/by_target"),
        flash=views.flash_kinds(report),
        work=views.work_by_operator(report),
        costs=left_over[0],
        costs_left_out=left_over[1],
        maps=_maps(report),
        graphs=graphs(report),
        lane_width=LANE_WIDTH,
        fired=views.fired(report),
        idle=still,
        disabled=disabled,
        near=views.near_misses(report),
        first=views.first,
    )
    return page + "\n"


def panels(
    report: Plain, sides: Mapping[str, str], sections: Sequence[tuple[str, str]]
) -> dict[str, object]:
    """What the pages of one and of two models have in common.

    Args:
        sides: keys of the report, with what the page calls them.
        sections: of which the page has those that have something to show.
    """
    frontier = frontier_of(report)
    return {
        "report": report,
        "explored": tuple(sides.values()),
        "explorer": markup(explorer_data(report, tuple(sides))),
        "arena": arena_of(report, tuple(sides.items())),
        "channels": channels_of(report),
        "channel_kinds": KINDS,
        "frontier": frontier,
        "sections": [section for section in sections if frontier or section[0] != "frontier"],
    }


def parts(source: str) -> dict[str, object]:
    """What the head and the end of every page need: style, script, and the policy's hash of it."""
    return {
        "css": markup(style()),
        "script": markup(source),
        "script_hash": hash_of(source),
    }


def script() -> str:
    """The page's script: the explorer, and what links the pictures to text."""
    return _template_text("explorer.js") + _template_text("page.js")


def style() -> str:
    """The page's style sheet."""
    names = ("page.css", "explorer.css", "panels.css")
    return "".join(_template_text(name) for name in names) + MAP_CSS


def hash_of(source: str) -> str:
    """What the page's policy calls its script."""
    return b64encode(sha256(source.encode()).digest()).decode()


def _maps(report: Plain) -> dict[str, dict[str, object]]:
    """Both pictures, each for a wide and a narrow screen, to one scale."""
    maps = {key: memory_side(report, key) for key in ("input", "output")}
    top = top_of([memory for memory in maps.values() if memory])
    return {key: memory_figure(key, memory, top) if memory else {} for key, memory in maps.items()}


def memory_figure(key: str, memory: Plain, top: int, wide: int = WIDE_WIDTH) -> dict[str, object]:
    """One memory map for wide and for narrow screens, with its buffers as rows.

    Args:
        wide: the width of the wide one, as it is on a screen that has the room.
    """
    title = f"Memory map {'before' if key == 'input' else 'after'}"
    pictures = {
        kind: markup(
            memory_picture(
                memory, title=title, width=width, top_bytes=top, prefix=f"{key}-{kind}"
            ).svg
        )
        for kind, width in (("wide", wide), ("narrow", NARROW_WIDTH))
    }
    largest = sorted(rows(memory, "buffers"), key=lambda buffer: -number(buffer, "size_bytes"))
    return {
        **pictures,
        "side": "before" if key == "input" else "after",
        "head_bytes": number(memory, "head_bytes"),
        "lower_bound_bytes": number(memory, "lower_bound_bytes"),
        "left_out": left_out(memory),
        "buffers": largest[:MOST_TABLE_ROWS],
        "more": max(0, len(largest) - MOST_TABLE_ROWS),
    }


def markup(source: str) -> object:
    """Text that is HTML already."""
    from markupsafe import Markup

    return Markup(source)


def _template_text(name: str) -> str:
    return (files("tflopt.report.html") / "templates" / name).read_text(encoding="utf-8")


@lru_cache
def template(name: str) -> Template:
    """A template of a page.

    Raises:
        UsageError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError as error:
        raise UsageError("HTML reports need jinja2: pip install jinja2") from error
    environment = Environment(
        loader=FunctionLoader(_template_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    return environment.get_template(name)


def _visible(value: object) -> object:
    """Control characters and broken UTF-8 as escapes, in every text that is not HTML already."""
    return printable(value) if type(value) is str else value
