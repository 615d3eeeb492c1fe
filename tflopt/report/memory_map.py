"""The memory map as a picture: buffers as rectangles over steps and addresses.

::

    address
      ^ - - - - - - - - - - - peak
      |  +------+
      |  |  b   |  - - - - -  lower bound
      |  +---+--+---+
      |  | a |  c   |         x: the runtime's steps, 0 for the inputs, then the operators
      +--+---+------+--> step
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tflopt.report.plain import Plain, number, rows, text
from tflopt.report.style import size
from tflopt.texts import markup

MOST_BUFFERS = 1_500
"""More rectangles than this are left out, the smallest first."""
LETTER = 6.3
"""The width of a letter on an axis, about."""
SMALL_LETTER, CAPITAL = 5.7, 7.2
LABEL_HEIGHT = 13.0
NAMED_STEP, NAMED_WIDTH = 11.0, 500
"""From this width on a step's operator is written below it."""
MOST_LETTERS = 22
ABOVE = 18
KIBI = 1024
TICKS, CLOSE_LINES = 6, 15
MAP_CSS = """
.map text { font: 11px system-ui, sans-serif; fill: var(--ink, #1b1f24); }
.map .axis { stroke: var(--line, #8a929c); stroke-width: 1; fill: none; }
.map .grid { stroke: var(--line, #8a929c); stroke-width: 1; opacity: .3; }
.map .tensor { fill: var(--tensor, #b9d4f5); stroke: var(--tensor-edge, #1f5fa8); }
.map .scratch { stroke: var(--scratch-edge, #9a4b00); }
.map .variable { fill: var(--variable, #cfe8c5); stroke: var(--variable-edge, #2c6b1d);
  stroke-dasharray: 4 2; }
.map .hatch { fill: var(--scratch, #fbe3c6); }
.map .hatch-line { stroke: var(--scratch-edge, #9a4b00); stroke-width: 1.4; }
.map .label { pointer-events: none; font-size: 10px; }
.map .buffer:hover rect, .map .buffer.at rect { stroke-width: 3; }
.map .peak { stroke: var(--peak, #5b2a86); stroke-width: 1.6; }
.map .bound { stroke: var(--bound, #0b6e4f); stroke-width: 1.6; stroke-dasharray: 7 4; }
.map .full { fill: var(--peak, #5b2a86); opacity: .09; }
.map .small { font-size: 10px; fill: var(--soft, #57606a); }
.map .caption { font: bold 14px system-ui, sans-serif; }
.map .paper { fill: var(--paper, #fff); }
.map .halo { paint-order: stroke; stroke: var(--paper, #fff); stroke-width: 3px; }
"""
DARK = """
@media (prefers-color-scheme: dark) { svg.map { --ink: #e6edf3; --line: #7d8590; --paper: #14181d;
  --tensor: #1d3d63; --tensor-edge: #79b0f2; --scratch: #4a2f10; --scratch-edge: #f0a35e;
  --variable: #1f4019; --variable-edge: #8fd07d; --peak: #d3b0ff; --bound: #5fd3a8;
  --soft: #a5adb6; } }
"""


@dataclass(frozen=True)
class Frame:
    """Where things lie on the picture, in pixels."""

    width: float
    height: float
    left: float
    top: float
    first_step: int
    steps: int
    top_bytes: int

    @property
    def step_width(self) -> float:
        """The width of one step."""
        return (self.width - self.left - 6) / max(1, self.steps)

    def x(self, step: float) -> float:
        """The left edge of a step."""
        return self.left + (step - self.first_step) * self.step_width

    def y(self, address: float) -> float:
        """The height of an address; 0 is at the bottom."""
        return self.top + self.height * (1 - address / max(1, self.top_bytes))


@dataclass(frozen=True)
class Box:
    """A part of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share a point."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)


@dataclass(frozen=True)
class Picture:
    """An SVG element and its height."""

    svg: str
    height: float


def memory_picture(
    memory: Plain,
    *,
    title: str,
    width: int = 640,
    height: int = 320,
    top_bytes: int = 0,
    prefix: str = "map",
) -> Picture:
    """One ``memory_map`` of a report; colours come from the style sheet around it.

    Args:
        top_bytes: the address at the upper end, to draw two maps to one scale.
        prefix: of the ids in it, which must differ within a page.
    """
    steps = rows(memory, "steps")
    first = min((number(step, "step") for step in steps), default=0)
    last = max((number(buffer, "last_step") for buffer in rows(memory, "buffers")), default=0)
    top = max(top_bytes, top_of([memory]), 16)
    left = 12 + LETTER * max(len(size(at)) for at in _ticks(top))
    frame = Frame(width, height, left, ABOVE, first, max(last + 1 - first, len(steps)), top)
    named = frame.step_width >= NAMED_STEP and width >= NAMED_WIDTH
    longest = max((len(text(step, "operator")) for step in steps), default=0)
    below = 20 + (min(longest, MOST_LETTERS) * CAPITAL + 4 if named else 0)
    total = ABOVE + height + below
    parts = [
        *_axes(frame, steps, named),
        *_fullest_steps(frame, steps),
        *_buffers(frame, memory, prefix),
        *_lines(frame, memory),
    ]
    svg = (
        f'<svg class="map" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total:.0f}" '
        f'role="img" aria-label="{markup(title)}">{_hatch(prefix)}{"".join(parts)}</svg>'
    )
    return Picture(svg, total)


def maps_svg(report: Plain) -> str:
    """The maps before and after, one above the other, as a file of its own."""
    maps = {key: memory_side(report, key) for key in ("input", "output")}
    top = top_of([memory for memory in maps.values() if memory])
    parts, offset = [], 8.0
    for key, memory in maps.items():
        caption = "before" if key == "input" else "after"
        if not memory:
            parts.append(f'<text x="8" y="{offset + 14:.0f}">{caption}: not known</text>')
            offset += 30
            continue
        drawn = memory_picture(memory, title=caption, width=960, top_bytes=top, prefix=key)
        parts.append(
            f'<text class="caption" x="8" y="{offset + 14:.0f}">{caption}</text>'
            f'<svg y="{offset + 18:.0f}" width="960" height="{drawn.height:.0f}">{drawn.svg}</svg>'
        )
        offset += drawn.height + 34
    return (
        f'<svg class="map" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {offset:.0f}" '
        f'width="960" height="{offset:.0f}"><style>{MAP_CSS}{DARK}</style>'
        f'<rect class="paper" width="100%" height="100%"/>{"".join(parts)}</svg>\n'
    )


def memory_side(report: Plain, key: str) -> Plain:
    """The memory map of ``input`` or ``output``, empty where the arena is not known."""
    side = report.get(key)
    memory = side.get("memory_map") if isinstance(side, dict) else None
    return memory if isinstance(memory, dict) else {}


def top_of(maps: Sequence[Plain]) -> int:
    """The highest address of several maps."""
    keys = ("head_bytes", "lower_bound_bytes")
    return max((number(memory, key) for memory in maps for key in keys), default=0)


def left_out(memory: Plain) -> int:
    """How many buffers a picture doesn't show."""
    return max(0, len(rows(memory, "buffers")) - MOST_BUFFERS)


def _hatch(prefix: str) -> str:
    return (
        f'<defs><pattern id="{prefix}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="hatch" width="7" height="7"/>'
        '<line class="hatch-line" x1="0" y1="0" x2="0" y2="7"/></pattern></defs>'
    )


def _ticks(top: int) -> list[int]:
    """A handful of round addresses, multiples of a power of two."""
    unit = 1
    while top / unit > TICKS:
        unit *= 2
    return list(range(0, top + 1, unit))


def _axes(frame: Frame, steps: Sequence[Plain], named: bool) -> Iterator[str]:
    right, bottom, left = frame.width - 6, frame.y(0), frame.left
    for at in _ticks(frame.top_bytes):
        y = frame.y(at)
        yield f'<line class="grid" x1="{left:.1f}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield _text(size(at), left - 5, y + 3.5, "end")
    yield f'<path class="axis" d="M{left:.1f} {frame.top}V{bottom:.1f}H{right}"/>'
    digits = max((len(str(number(step, "index"))) for step in steps), default=1)
    every = max(1, round((LETTER * digits + 8) / frame.step_width + 0.5))
    for position, step in enumerate(steps):
        at, index = number(step, "step"), step.get("index")
        x = frame.x(at + 0.5)
        if position % every == 0 or at == 0:
            label = "in" if at == 0 else "-" if at < 0 else str(index)
            yield _text(label, x, bottom + 13, "middle")
        if named and index is not None:
            label = markup(shortened(text(step, "operator"), MOST_LETTERS))
            turn = f' transform="translate({x + 3:.1f} {bottom + 19:.1f}) rotate(-90)"'
            yield f'<text class="small" text-anchor="end"{turn}>{label}</text>'


def _text(label: str, x: float, y: float, anchor: str) -> str:
    return f'<text class="small" text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{label}</text>'


def _fullest_steps(frame: Frame, steps: Sequence[Plain]) -> Iterator[str]:
    """The steps at which most is live, as bands."""
    most = max((number(step, "live_bytes") for step in steps), default=0)
    runs: list[list[int]] = []
    for step in steps:
        at = number(step, "step")
        if not most or number(step, "live_bytes") != most:
            continue
        if runs and runs[-1][1] == at:
            runs[-1][1] = at + 1
        else:
            runs.append([at, at + 1])
    for first, end in runs[:MOST_BUFFERS]:
        x, width = frame.x(first), (end - first) * frame.step_width
        yield (
            f'<rect class="full" x="{x:.1f}" y="{frame.top}" width="{width:.1f}" '
            f'height="{frame.height}"/>'
        )


def _buffers(frame: Frame, memory: Plain, prefix: str) -> Iterator[str]:
    """Rectangles, then the labels that have room: buffers that share bytes lie on each other."""
    every = enumerate(rows(memory, "buffers"))
    largest = sorted(every, key=lambda pair: -number(pair[1], "size_bytes"))[:MOST_BUFFERS]
    for place, buffer in largest:
        yield _rectangle(frame, buffer, prefix, place)
    taken = _line_labels(frame, memory)
    for _, buffer in largest:
        yield from _label(frame, buffer, taken)


def _box(frame: Frame, buffer: Plain) -> Box:
    first, last = number(buffer, "first_step"), number(buffer, "last_step")
    at = number(buffer, "offset_bytes")
    upper, lower = frame.y(at + number(buffer, "size_bytes")), frame.y(at)
    return Box(frame.x(first), upper, frame.x(last + 1), max(lower, upper + 0.5))


def _rectangle(frame: Frame, buffer: Plain, prefix: str, place: int) -> str:
    """A buffer; ``place`` is where it stands in the report."""
    first, last = number(buffer, "first_step"), number(buffer, "last_step")
    at, count = number(buffer, "offset_bytes"), number(buffer, "size_bytes")
    kind, box = text(buffer, "kind"), _box(frame, buffer)
    fill = f' fill="url(#{prefix}-hatch)"' if kind == "scratch" else ""
    steps = f"step {first}" if first == last else f"steps {first} to {last}"
    origin = text(buffer, "origin")
    name = f"{text(buffer, 'name')} ({origin})" if origin else text(buffer, "name")
    told = f"{name}: {kind}, {size(count)} bytes at {size(at)}, {steps}"
    return (
        f'<g class="buffer" data-buffer="{place}"><title>{markup(told)}</title>'
        f'<rect class="{markup(kind)}"{fill} '
        f'x="{box.left:.1f}" y="{box.top:.1f}" width="{box.right - box.left:.1f}" '
        f'height="{box.bottom - box.top:.1f}"/></g>'
    )


def _label(frame: Frame, buffer: Plain, taken: list[Box]) -> Iterator[str]:
    box = _box(frame, buffer)
    letters = int((box.right - box.left - 8) / SMALL_LETTER)
    label, kind = text(buffer, "origin"), text(buffer, "kind")
    if not label or kind == "scratch" or len(label) > letters:
        label = fitted(text(buffer, "name"), number(buffer, "size_bytes"), letters)
    middle = (box.top + box.bottom) / 2
    right = box.left + 6 + SMALL_LETTER * len(label)
    own = Box(box.left + 2, middle - LABEL_HEIGHT / 2, right, middle + LABEL_HEIGHT / 2)
    if len(label) > letters or box.bottom - box.top < LABEL_HEIGHT:
        return
    if any(own.meets(other) for other in taken):
        return
    taken.append(own)
    x, y = box.left + 4, middle + 3.5
    yield f'<text class="label halo" x="{x:.1f}" y="{y:.1f}">{markup(label)}</text>'


def _line_labels(frame: Frame, memory: Plain) -> list[Box]:
    """About where the texts of the peak and of the lower bound lie."""
    right = frame.width - 6
    heights = [frame.y(number(memory, key)) for key in ("head_bytes", "lower_bound_bytes")]
    return [Box(right - 190, y - 16, right, y + 14) for y in heights]


def _lines(frame: Frame, memory: Plain) -> Iterator[str]:
    """The peak and the lower bound, one line where they are the same."""
    peak, bound = number(memory, "head_bytes"), number(memory, "lower_bound_bytes")
    if peak == bound:
        yield _line(frame, peak, "peak", f"peak = lower bound {size(peak)}", above=True)
        return
    near = abs(frame.y(bound) - frame.y(peak)) < CLOSE_LINES
    yield _line(frame, bound, "bound", f"lower bound {size(bound)}", above=not near)
    yield _line(frame, peak, "peak", f"peak {size(peak)}", above=True)


def _line(frame: Frame, at: int, kind: str, label: str, *, above: bool) -> str:
    y, right = frame.y(at), frame.width - 6
    return (
        f'<line class="{kind}" x1="{frame.left:.1f}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        f'<text class="halo" text-anchor="end" x="{right}" y="{y - 4 if above else y + 12:.1f}">'
        f"{label}</text>"
    )


def fitted(name: str, count: int, letters: int) -> str:
    """What tells a buffer in a few letters: the first of its joined names, or its size."""
    parts = [part for part in name.split(";")[0].split("/") if part] or [name]
    choices = ["/".join(parts[-2:]), parts[-2] if len(parts) > 1 else parts[-1]]
    return next((choice for choice in choices if len(choice) <= letters), short_size(count))


def short_size(count: int) -> str:
    """About, in a few letters: ``36K``."""
    if count < KIBI:
        return str(count)
    return f"{count / KIBI:.3g}K" if count < KIBI * KIBI else f"{count / KIBI / KIBI:.3g}M"


def shortened(name: str, letters: int) -> str:
    """The end of a name that is too long, which tells it from others."""
    return name if len(name) <= letters else "…" + name[len(name) - max(1, letters - 1) :]
