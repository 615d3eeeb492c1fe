"""The emitted files as a layer of a csolution project: CMSIS-Toolbox, Keil Studio, MDK 6.

Source of the format: https://open-cmsis-pack.github.io/cmsis-toolbox/YML-Input-Format/#layer
"""

from __future__ import annotations

from collections.abc import Mapping

HEAD = """\
layer:
  description: {name} for TensorFlow Lite Micro, with its operators, arena and quantization
  add-path:
    - .
{assembler}\
  groups:
    - group: {name}
      files:
"""
FOR_INCBIN = "  add-path-asm:\n    - .\n"
COMPILED = (".c", ".cc", ".h", ".S")


def with_layer(files: Mapping[str, str | bytes], name: str) -> dict[str, str | bytes]:
    """The same with ``NAME.clayer.yml``, which lists them; TFLM is the project's own component."""
    listed = sorted(path for path in files if path.endswith(COMPILED))
    assembler = FOR_INCBIN if any(path.endswith(".S") for path in listed) else ""
    lines = "".join(f"        - file: {path}\n" for path in listed)
    head = HEAD.format(name=name, assembler=assembler)
    return {**files, f"{name}.clayer.yml": head + lines}
