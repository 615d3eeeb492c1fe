"""The arena that firmware reserves, where it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflopt.emit.options import EmitOptions
from tflopt.ir import Model
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.plan.problem import align_up
from tflopt.plan.tflm import TwoArenas
from tflopt.target.memory import memory_of, two_arenas_of, why_no_memory
from tflopt.texts import c_comment


@dataclass(frozen=True)
class Arena:
    """``size_bytes`` is None where it isn't known; ``note`` says where it is from, or why not.

    ``two`` has the sizes for firmware with two arenas, None where they aren't known.
    """

    size_bytes: int | None
    note: str
    alignment: int = ARENA_ALIGNMENT
    section: str = ""
    two: TwoArenas | None = None

    def macros(self, upper: str) -> str:
        """``NAME_ARENA_BYTES`` unless it is defined already, and its alignment."""
        text = f"/* {c_comment(self.note)} */\n"
        if self.size_bytes is not None:
            macro = f"{upper}_ARENA_BYTES"
            text += f"#ifndef {macro}\n#define {macro} {self.size_bytes}u\n#endif\n"
        if self.two is not None:
            text += (
                "/* Or two, for MicroAllocator::Create; what persists may be in slower memory. */\n"
            )
            text += f"#define {upper}_PERSISTENT_ARENA_BYTES {self.two.persistent_bytes}u\n"
            text += f"#define {upper}_NON_PERSISTENT_ARENA_BYTES {self.two.non_persistent_bytes}u\n"
        text += f"#define {upper}_ARENA_ALIGNMENT {self.alignment}\n"
        if self.section:
            place = f'__attribute__((section("{self.section}")))'
            text += "/* Stands before the arena's definition. */\n"
            text += f"#define {upper}_ARENA_PLACE {place}\n"
        return text


def arena_of(model: Model, options: EmitOptions) -> Arena:
    """The least arena with which ``AllocateTensors`` succeeds on the device.

    It is rounded up to its alignment: where that is a cache line, nothing else lies in its last.
    """
    alignment, section = options.arena_alignment, options.arena_section
    if options.arena_bytes is not None:
        return Arena(options.arena_bytes, "The arena as --arena sets it.", alignment, section)
    device = f"{options.device.target}, {options.device.kernels}"
    reason = why_no_memory(model)
    if not reason:
        memory = memory_of(model, options.device)
        if not memory.unknown:
            note = f"The least arena on {device}, at a multiple of {alignment}."
            size = align_up(memory.arena.minimum_bytes, alignment)
            two = _aligned(two_arenas_of(model, options.device), alignment)
            return Arena(size, note, alignment, section, two)
        reason = f"no sizes for the kernels of {', '.join(memory.unknown)}"
    hint = "measure it with arena_used_bytes() and define it with -D or --arena"
    return Arena(None, f"The arena is not known ({reason}): {hint}.", alignment, section)


def _aligned(two: TwoArenas, alignment: int) -> TwoArenas:
    return TwoArenas(
        align_up(two.persistent_bytes, alignment), align_up(two.non_persistent_bytes, alignment)
    )


def largest(arenas: Sequence[Arena]) -> Arena:
    """One arena for models that run one after another."""
    sizes = [arena.size_bytes for arena in arenas]
    alignment = max(arena.alignment for arena in arenas)
    section = arenas[0].section
    known = [size for size in sizes if size is not None]
    if len(known) == len(sizes):
        pairs = [arena.two for arena in arenas if arena.two is not None]
        two = None
        if len(pairs) == len(arenas):
            persistent = max(pair.persistent_bytes for pair in pairs)
            two = TwoArenas(persistent, max(pair.non_persistent_bytes for pair in pairs))
        note = "Enough for each of the models, one at a time."
        return Arena(max(known), note, alignment, section, two)
    return Arena(None, "The arena is not known: see the headers of the models.", alignment, section)
