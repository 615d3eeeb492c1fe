"""The arena that firmware reserves, where it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflopt.emit.options import EmitOptions
from tflopt.ir import Model
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.plan.problem import align_up
from tflopt.target.memory import memory_of, why_no_memory
from tflopt.texts import c_comment


@dataclass(frozen=True)
class Arena:
    """``size_bytes`` is None where it isn't known; ``note`` says where it is from, or why not."""

    size_bytes: int | None
    note: str
    alignment: int = ARENA_ALIGNMENT
    section: str = ""

    def macros(self, upper: str) -> str:
        """``NAME_ARENA_BYTES`` unless it is defined already, and its alignment."""
        text = f"/* {c_comment(self.note)} */\n"
        if self.size_bytes is not None:
            macro = f"{upper}_ARENA_BYTES"
            text += f"#ifndef {macro}\n#define {macro} {self.size_bytes}u\n#endif\n"
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
            return Arena(align_up(memory.arena.minimum_bytes, alignment), note, alignment, section)
        reason = f"no sizes for the kernels of {', '.join(memory.unknown)}"
    hint = "measure it with arena_used_bytes() and define it with -D or --arena"
    return Arena(None, f"The arena is not known ({reason}): {hint}.", alignment, section)


def largest(arenas: Sequence[Arena]) -> Arena:
    """One arena for models that run one after another."""
    sizes = [arena.size_bytes for arena in arenas]
    alignment = max(arena.alignment for arena in arenas)
    section = arenas[0].section
    known = [size for size in sizes if size is not None]
    if len(known) == len(sizes):
        return Arena(
            max(known), "Enough for each of the models, one at a time.", alignment, section
        )
    return Arena(None, "The arena is not known: see the headers of the models.", alignment, section)
