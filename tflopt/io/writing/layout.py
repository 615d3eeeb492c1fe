"""Records -> FlatBuffers bytes: one deterministic layout, parents before children, little padding.

Objects are laid out once each: tables and vectors of tables first, by their distance from the
root, then everything that points to nothing (vectors of scalars, strings, vtables). Data with a
large alignment leaves gaps; smaller objects fill them.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from tflopt.io.schema import FORMATS, IDENTIFIER, Slot, schema
from tflopt.ir.record import FieldValue, Record, Rows, Vector

HEADER_BYTES = 8
DATA_ALIGNMENT = 16
"""``force_align`` of ``Buffer.data`` in the schema."""
COARSEST = 8
"""The largest alignment of an object that may fill a gap."""
SMALLEST = 4
"""Bytes of the smallest objects: an empty vector, the vtable of a table without fields."""


@dataclass(eq=False, slots=True)
class Node:
    """One object: ``body`` with references to fill in; the byte at ``lead`` is aligned.

    ``kind`` says what the bytes are, for the accounting of a file's size.
    """

    kind: str
    body: bytes | bytearray | Vector
    alignment: int = 4
    lead: int = 0
    prefix: bytes = b""
    references: Sequence[tuple[int, Node]] = ()
    vtable: Node | None = None
    depth: int = 0
    position: int = -1

    @property
    def size_bytes(self) -> int:
        """Bytes that the object takes, without padding before it."""
        return len(self.prefix) + len(self.body)


class Graph:
    """All objects under a root record, vtables shared; ``share`` also shares equal objects."""

    def __init__(self, root: Record, data_alignment: int = DATA_ALIGNMENT, share: bool = False):
        self._alignment = data_alignment
        self._share = share
        self._vtables: dict[bytes, Node] = {}
        self._known: dict[tuple[object, ...], Node] = {}
        self.patches: dict[tuple[str, int], tuple[Node, int]] = {}
        self._counts = {"Buffer": 0, "Operator": 0}
        self.tables: list[Node] = []
        self.leaves: list[Node] = []
        self.root = self._table(root)
        _measure_depth(self.tables)

    @property
    def vtables(self) -> list[Node]:
        """The distinct vtables."""
        return list(self._vtables.values())

    def _keep(self, node: Node, pool: list[Node], *, shareable: bool = True) -> Node:
        if self._share and shareable:
            targets = tuple((at, id(child)) for at, child in node.references)
            key = (node.alignment, node.prefix, bytes(node.body), targets, id(node.vtable))
            known = self._known.setdefault(key, node)
            if known is not node:
                return known
        pool.append(node)
        return node

    def _table(self, record: Record) -> Node:
        slots = schema().tables[record.table]
        present = [
            (number, slot, record.fields[slot.name])
            for number, slot in enumerate(slots)
            if slot is not None and slot.name in record.fields
        ]
        node, references = Node(_kind("table", record.table), bytearray(4)), []
        offsets = [0] * (present[-1][0] + 1 if present else 0)
        for number, slot, value in sorted(present, key=lambda entry: (-entry[1].width, entry[0])):
            if slot.width == 8 and node.alignment < 8:
                node.alignment, node.lead = 8, 4
            offsets[number] = len(node.body)
            assert isinstance(node.body, bytearray)
            if slot.kind == "scalar":
                node.body += struct.pack(FORMATS[slot.type], value)
                continue
            references.append((len(node.body), self._child(record.table, slot, value)))
            node.body += bytes(4)
        node.references = references or ()
        node.vtable = self._vtable(offsets, len(node.body))
        external = self._note_external(record, node, offsets)
        return self._keep(node, self.tables, shareable=not external)

    def _note_external(self, record: Record, node: Node, offsets: list[int]) -> bool:
        """Remember where the place of data behind the FlatBuffer is to be filled in."""
        ordinal = self._counts.get(record.table)
        if ordinal is None:
            return False
        self._counts[record.table] = ordinal + 1
        name, kind, slot = ("offset", "buffer", 1)
        if record.table == "Operator":
            name, kind, slot = ("large_custom_options_offset", "op", 9)
        if name in record.fields:
            self.patches[kind, ordinal] = (node, offsets[slot])
        return name in record.fields

    def _child(self, table: str, slot: Slot, value: FieldValue) -> Node:
        if isinstance(value, Record):
            return self._table(value)
        if isinstance(value, list | Rows):
            node = Node(_kind("list", table, slot.name), bytearray())
            node.references = [(4 + 4 * i, self._table(item)) for i, item in enumerate(value)]
            node.body = bytearray(struct.pack("<I", len(value)) + bytes(4 * len(value)))
            return self._keep(node, self.tables)
        if isinstance(value, bytes):
            kind = _kind("string", table, slot.name)
            return self._keep(Node(kind, value + b"\0", prefix=_count(len(value))), self.leaves)
        assert isinstance(value, np.ndarray)
        return self._vector(_kind("vector", table, slot.name), value)

    def _vector(self, kind: str, value: Vector) -> Node:
        prefix = _count(value.size)
        if kind == "vector:Buffer.data":
            body = np.ascontiguousarray(value).view(np.uint8)
            node = Node(kind, body, self._alignment, 4, prefix)
            return self._keep(node, self.leaves, shareable=False)
        node = Node(kind, value.tobytes(), max(4, value.dtype.itemsize), 4, prefix)
        # RESHAPE may write into the shape [0] of its output in place (fact A4): its own copy.
        legacy = kind == "vector:Tensor.shape" and value.size == 1 and int(value[0]) == 0
        return self._keep(node, self.leaves, shareable=not legacy)

    def _vtable(self, offsets: list[int], inline: int) -> Node:
        length = 4 + 2 * len(offsets)
        body = struct.pack(f"<{2 + len(offsets)}H", length, inline, *offsets)
        return self._vtables.setdefault(body, Node("vtable", bytearray(body), alignment=2))


@cache
def _kind(*names: str) -> str:
    """One text for all objects of a kind: there are as many of them as operators."""
    first, *rest = names
    return f"{first}:{'.'.join(rest)}"


@lru_cache(maxsize=1 << 10)
def _count(count: int) -> bytes:
    return struct.pack("<I", count)


def _measure_depth(tables: Sequence[Node]) -> None:
    """Longest distance from the root, the last one: children lie behind every parent.

    Args:
        tables: each after all that it refers to.
    """
    for node in reversed(tables):
        for _, child in node.references:
            child.depth = max(child.depth, node.depth + 1)


class _Gaps:
    """What alignment left free, by length, position within eight bytes, and side of the floor.

    Whether an object fits into a gap follows from these three alone, so the tightest is found
    without looking at every gap; among equals it is the oldest.
    """

    def __init__(self) -> None:
        self.floor: int | None = None
        self.lengths: list[int] = []
        self.kinds: dict[int, dict[tuple[int, bool], deque[tuple[int, int]]]] = {}
        self.age = 0

    def add(self, start: int, stop: int) -> None:
        """Remember a gap."""
        length = stop - start
        if length < SMALLEST:
            return
        if length not in self.kinds:
            insort(self.lengths, length)
            self.kinds[length] = {}
        behind = self.floor is not None and start >= self.floor
        kind = self.kinds[length].setdefault((start % COARSEST, behind), deque())
        self.age += 1
        kind.append((self.age, start))

    def take(self, node: Node, *, behind: bool) -> tuple[int, int] | None:
        """The tightest gap that takes it, only behind the floor if that is asked for."""
        for length in self.lengths[bisect_left(self.lengths, node.size_bytes) :]:
            fitting = [
                key
                for key in self.kinds[length]
                if (key[1] or not behind)
                and _aligned(key[0], node) - key[0] <= length - node.size_bytes
            ]
            if fitting:
                return self._take(length, min(fitting, key=lambda k: self.kinds[length][k][0]))
        return None

    def _take(self, length: int, key: tuple[int, bool]) -> tuple[int, int]:
        kinds = self.kinds[length]
        _, start = kinds[key].popleft()
        if not kinds[key]:
            del kinds[key]
        if not kinds:
            del self.kinds[length]
            self.lengths.remove(length)
        return start, start + length


class _Placer:
    """Gives positions; remembers the gaps that alignment leaves, and fills them."""

    def __init__(self) -> None:
        self.end = HEADER_BYTES
        self.gaps = _Gaps()
        self.placed: list[Node] = []

    def append(self, node: Node) -> None:
        position = _aligned(self.end, node)
        self.gaps.add(self.end, position)
        self._put(node, position)
        self.end = position + node.size_bytes

    def fill(self, node: Node, *, behind: bool) -> bool:
        """Put it into the tightest gap that takes it; ``behind`` the tables where it must lie."""
        gap = self.gaps.take(node, behind=behind)
        if gap is None:
            return False
        start, stop = gap
        position = _aligned(start, node)
        self.gaps.add(start, position)
        self.gaps.add(position + node.size_bytes, stop)
        self._put(node, position)
        return True

    def _put(self, node: Node, position: int) -> None:
        node.position = position
        self.placed.append(node)


def _aligned(start: int, node: Node) -> int:
    return start + -(start + node.lead) % node.alignment


def place(graph: Graph) -> list[Node]:
    """Positions for every object, in file order."""
    placer = _Placer()
    vtables = sorted(graph.vtables, key=lambda n: -n.size_bytes)
    odd = [node for node in vtables if node.size_bytes % 4 == 2]
    for node in sorted(graph.tables, key=lambda n: (n.depth, -n.alignment)):
        placer.append(node)
        if odd and placer.end % 4 in (1, 2):
            placer.append(odd.pop())
    placer.gaps.floor = placer.end  # vtables may lie before the tables, leaves may not
    wide = [leaf for leaf in graph.leaves if leaf.alignment > 8]
    small = [leaf for leaf in graph.leaves if leaf.alignment <= 8]
    small.sort(key=lambda n: (-n.alignment, -n.size_bytes))
    for node in wide:
        placer.append(node)
    sides = [(leaf, True) for leaf in small]
    sides += [(vtable, False) for vtable in vtables if vtable.position < 0]
    rest = [(node, behind) for node, behind in sides if not placer.fill(node, behind=behind)]
    for node, behind in rest:
        if not placer.fill(node, behind=behind):
            placer.append(node)
    return sorted(placer.placed, key=lambda n: n.position)


def least_bytes(root: Record, data_alignment: int = DATA_ALIGNMENT) -> int:
    """A lower bound of the file's size for this content, whatever the order of the objects.

    Every object is stored once and without a gap, but everything except a vtable starts at a
    multiple of 4; an object whose size is 1 or 2 more than that can be followed by a vtable
    whose size is 2 more, and wastes up to 3 bytes else.
    """
    graph = Graph(root, data_alignment, share=True)
    objects = [*graph.tables, *graph.leaves]
    whole = sum(node.size_bytes + -node.size_bytes % 4 for node in objects)
    odd = sum(node.size_bytes % 4 == 2 for node in graph.vtables)
    short = sum(node.size_bytes % 4 in (1, 2) for node in objects)
    vtables = sum(node.size_bytes for node in graph.vtables)
    return HEADER_BYTES + whole + vtables - 2 * min(odd, short)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of bytes of the file: what it is, where, and its content."""

    kind: str
    position: int
    data: bytes | bytearray | Vector

    @property
    def size_bytes(self) -> int:
        """Length in the file."""
        return len(self.data)


def pieces(
    root: Record,
    external: Iterable[tuple[str, int, Vector]] = (),
    trailing: Vector | None = None,
    data_alignment: int = DATA_ALIGNMENT,
    share: bool = False,
) -> list[Piece]:
    """The whole file as runs of bytes that follow each other without a hole."""
    graph = Graph(root, data_alignment, share)
    nodes = place(graph)
    end = max((node.position + node.size_bytes for node in nodes), default=HEADER_BYTES)
    end += -end % 4
    tail: list[Piece] = []
    for kind, ordinal, data in external:
        end += -end % data_alignment
        node, offset = graph.patches[kind, ordinal]
        assert isinstance(node.body, bytearray)
        struct.pack_into("<Q", node.body, offset, end)
        tail.append(Piece("external", end, data))
        end += len(data)
    if trailing is not None:
        tail.append(Piece("attached", end, trailing))
    head = Piece("header", 0, struct.pack("<I", graph.root.position) + IDENTIFIER)
    return list(_without_holes([head, *_pieces(nodes), *tail]))


def _pieces(nodes: Iterable[Node]) -> Iterator[Piece]:
    for node in nodes:
        if isinstance(node.body, bytearray):
            for at, child in node.references:
                struct.pack_into("<I", node.body, at, child.position - node.position - at)
            if node.vtable is not None:
                struct.pack_into("<i", node.body, 0, node.position - node.vtable.position)
        if node.prefix:
            yield Piece(node.kind, node.position, node.prefix)
        yield Piece(node.kind, node.position + len(node.prefix), node.body)


def _without_holes(parts: Iterable[Piece]) -> Iterator[Piece]:
    """With padding between them, and behind the last; an archive must end with the file."""
    end, kind = 0, ""
    for piece in parts:
        if piece.position > end:
            yield Piece("padding", end, bytes(piece.position - end))
        yield piece
        end, kind = piece.position + piece.size_bytes, piece.kind
    if end % 4 and kind != "attached":
        yield Piece("padding", end, bytes(-end % 4))
