"""What a notebook shows of a result: a small table, without styles or scripts of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tflopt.report import views
from tflopt.report.plain import Plain, text
from tflopt.texts import markup

MOST_ROWS = 100


def summary_html(report: Plain) -> str:
    """Before and after, the verdict, and what is wrong or uncertain."""
    rows = [
        (measure.name, _count(measure.before), _count(measure.after), measure.change)
        for measure in views.headline(report)
    ]
    target = text(report, "target")
    below = [views.verdict(report)["text"], *views.warnings(report)]
    title = f"{views.model_name(report)} for {target}"
    return _table(title, ("", "before", "after", "change"), rows) + "".join(
        f"<p>{markup(line)}</p>" for line in below
    )


def inspection_html(title: str, rows: Sequence[tuple[int, str, str, int]]) -> str:
    """The operators of a model: index, name, outputs, multiply-accumulates."""
    shown = [
        (str(index), name, outputs, _count(macs) if macs else "")
        for index, name, outputs, macs in rows[:MOST_ROWS]
    ]
    more = len(rows) - len(shown)
    rest = f"<p>{more:,} more</p>" if more else ""
    return _table(title, ("#", "operator", "outputs", "MACs"), shown) + rest


def _count(number: int | None) -> str:
    return views.UNKNOWN if number is None else f"{number:,}"


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    columns = "".join(f"<th>{markup(heading)}</th>" for heading in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{markup(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<table><caption>{markup(title)}</caption><thead><tr>{columns}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
