"""The model itself: a header for C and C++, and an array or an assembly file."""

from __future__ import annotations

from tflopt.emit.options import EmitOptions, Language, NamedModel
from tflopt.emit.text import banner, guarded

PER_LINE = 12


def data_files(named: NamedModel, options: EmitOptions) -> dict[str, str | bytes]:
    """The header, and the source that the options ask for, by file name."""
    name = named.name
    files: dict[str, str | bytes] = {f"{name}_data.h": data_header(named, options)}
    if options.incbin:
        return files | {
            f"{name}_data.S": data_assembly(named, options),
            f"{name}.tflite": named.data,
        }
    suffix = "c" if options.language is Language.C else "cc"
    return files | {f"{name}_data.{suffix}": data_source(named, options)}


def data_header(named: NamedModel, options: EmitOptions) -> str:
    """``NAME_data.h``: what C and C++ see of the model."""
    name, upper = named.name, named.name.upper()
    body = f"""\
#define {upper}_DATA_BYTES {len(named.data)}u
#define {upper}_DATA_ALIGNMENT {options.alignment}

#ifdef __cplusplus
extern "C" {{
#endif

extern const unsigned char {name}_data[{upper}_DATA_BYTES];

#ifdef __cplusplus
}}
#endif
"""
    return guarded(f"{name}_data", "The model.", body)


def data_source(named: NamedModel, options: EmitOptions) -> str:
    """``NAME_data.cc`` or ``NAME_data.c``: the bytes of the file."""
    name = named.name
    is_c = options.language is Language.C
    align = "_Alignas" if is_c else "alignas"
    section = f' __attribute__((section("{options.section}")))' if options.section else ""
    return (
        f"{banner('The model, byte for byte.')}\n"
        f'#include "{name}_data.h"\n\n'
        f"{align}({options.alignment}) const unsigned char\n"
        f"    {name}_data[{name.upper()}_DATA_BYTES]{section} = {{\n{_bytes(named.data)}}};\n"
    )


def data_assembly(named: NamedModel, options: EmitOptions) -> str:
    """``NAME_data.S``: includes ``NAME.tflite``; for GNU as and ELF, on Arm and on hosts."""
    symbol = f"{named.name}_data"
    section = options.section or f".rodata.{symbol}"
    return f"""\
{banner(f"The model: includes {named.name}.tflite; pass this folder with -I.")}
  .section {section}, "a", %progbits
  .balign {options.alignment}
  .global {symbol}
  .type {symbol}, %object
{symbol}:
  .incbin "{named.name}.tflite"
  .size {symbol}, {len(named.data)}
  .section .note.GNU-stack, "", %progbits
"""


def _bytes(data: bytes) -> str:
    numbers = [f"0x{value:02x}," for value in range(256)]
    lines = []
    for start in range(0, len(data), PER_LINE):
        lines.append("    " + " ".join(numbers[b] for b in data[start : start + PER_LINE]))
    return "\n".join(lines) + "\n"
