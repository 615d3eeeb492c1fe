"""Write the schema's facts, operator codes and options from an installed schema module.

The facts (slot numbers, types, defaults, enum values) are read out of the object API that
``ai_edge_litert`` ships (``schema_py_generated.py``); run it in an environment that has it::

    python schema/regenerate.py [--check]
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "tflopt" / "io" / "tflite_schema.json"
OPCODES = ROOT / "tflopt" / "ir" / "opcodes.py"
OPTIONS = ROOT / "tflopt" / "ir" / "options.py"

CLASS = re.compile(r"^class (\w+)\(object\):\n(.*?)(?=^\S|\Z)", re.M | re.S)
METHOD = re.compile(r"^    def (\w+)\(self(?:, j)?\):\n(.*?)(?=^    def |^    # |\Z)", re.M | re.S)
ADDER = re.compile(
    r"^def (\w+?)Add(\w+)\(builder, \w+\):\n    builder\.Prepend(\w+)Slot\((\d+), .*, ([^,()]+)\)$",
    re.M,
)
FIELD = re.compile(r"self\.(\w+) = \w+  # type: (.+)$", re.M)
VECTOR_OF = re.compile(r"number_types\.(\w+)Flags, a \+")

Slot = dict[str, object]

# Slots that the schema retired: old files still set them, and they are carried over as they are.
RETIRED: dict[tuple[str, int], Slot] = {
    ("ResizeBilinearOptions", 0): {
        "name": "new_height",
        "kind": "scalar",
        "type": "int32",
        "default": 0,
    },
    ("ResizeBilinearOptions", 1): {
        "name": "new_width",
        "kind": "scalar",
        "type": "int32",
        "default": 0,
    },
    ("SignatureDef", 3): {"name": "key", "kind": "string"},
}

# Option tables that rules look into; the others pass through as opaque records.
MODELLED = (
    "Conv2DOptions DepthwiseConv2DOptions TransposeConvOptions FullyConnectedOptions Pool2DOptions "
    "BatchMatMulOptions SVDFOptions UnidirectionalSequenceLSTMOptions LSTMOptions "
    "AddOptions SubOptions MulOptions DivOptions MaximumMinimumOptions SquaredDifferenceOptions "
    "ConcatenationOptions SplitOptions SplitVOptions PackOptions UnpackOptions GatherOptions "
    "ReshapeOptions SqueezeOptions ExpandDimsOptions TransposeOptions SliceOptions "
    "StridedSliceOptions PadOptions PadV2Options MirrorPadOptions SpaceToBatchNDOptions "
    "BatchToSpaceNDOptions SpaceToDepthOptions DepthToSpaceOptions ReducerOptions SoftmaxOptions "
    "LeakyReluOptions HardSwishOptions AbsOptions NegOptions ExpOptions QuantizeOptions "
    "DequantizeOptions CastOptions TileOptions ShapeOptions BroadcastToOptions "
    "ResizeBilinearOptions ResizeNearestNeighborOptions IfOptions WhileOptions CallOnceOptions "
    "VarHandleOptions ReadVariableOptions AssignVariableOptions L2NormOptions CumsumOptions "
    "SelectV2Options"
).split()
ENUM_FIELDS = {
    "padding": "Padding",
    "fused_activation_function": "Activation",
    "activation": "Activation",
}


def snake(name: str) -> str:
    """``FusedActivationFunction`` -> ``fused_activation_function``, as in the schema."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def schema_source() -> str:
    """The text of the generated schema module, found without importing its package."""
    spec = importlib.util.find_spec("ai_edge_litert")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("schema/regenerate.py needs ai-edge-litert installed")
    return (Path(spec.submodule_search_locations[0]) / "schema_py_generated.py").read_text()


def read_enums(classes: dict[str, str]) -> dict[str, dict[str, int]]:
    """Every class of integer constants: enums and the tags of unions."""
    enums = {}
    for name, body in classes.items():
        members = dict(re.findall(r"^    (\w+) = (-?\d+)$", body, re.M))
        if members and "def " not in body:
            enums[name] = {key: int(value) for key, value in members.items()}
    return enums


def vector_slot(name: str, accessor: str, hint: str) -> Slot:
    """A vector: of scalars where the accessor reads one, else of tables or strings."""
    scalar = VECTOR_OF.search(accessor)
    if scalar:
        return {"name": name, "kind": "vector", "type": scalar[1].lower()}
    table = re.fullmatch(r"Optional\[List\[(\w+)T\]\]", hint)
    if table:
        return {"name": name, "kind": "tables", "type": table[1]}
    raise SystemExit(f"{name}: don't know how to read {hint!r}")


def reference_slot(table: str, field: str, accessor: str, hint: str) -> Slot:
    """A string, a table, a union or a vector, told apart by the type comment of the object API."""
    name = snake(field)
    if hint == "Optional[str]":
        return {"name": name, "kind": "string"}
    if hint.startswith("Union["):
        return {"name": name, "kind": "union", "type": "", "of": f"{table}.{field}"}
    single = re.fullmatch(r"Optional\[(\w+)T\]", hint)
    if single:
        return {"name": name, "kind": "table", "type": single[1]}
    return vector_slot(name, accessor, hint)


def scalar_slot(field: str, flatbuffer_type: str, default: str) -> Slot:
    """A scalar with its default as JSON."""
    kind = flatbuffer_type.lower()
    if kind == "bool":
        value: object = default not in {"0", "False"}
    else:
        value = float(default) if kind.startswith("float") else int(default)
    return {"name": snake(field), "kind": "scalar", "type": kind, "default": value}


def union_members(hint: str, enums: dict[str, dict[str, int]]) -> tuple[str, dict[str, str]]:
    """The union whose tags are exactly the tables that the hint names."""
    names = set(re.findall(r"'(\w+)T'", hint))
    for enum, members in enums.items():
        if set(members) - {"NONE"} == names:
            tags = {str(tag): name for name, tag in members.items() if name != "NONE"}
            return enum, tags
    raise SystemExit(f"no union for {hint!r}")


def read_tables(source: str, classes: dict[str, str]) -> dict[str, object]:
    """Tables, unions and enums as plain data, slots in their order."""
    enums = read_enums(classes)
    tables: dict[str, list[Slot | None]] = {}
    unions: dict[str, dict[str, str]] = {}
    for name in [n for n in classes if f"{n}T" in classes]:
        start = re.search(
            rf"^def {name}Start\(builder\):\n    builder\.StartObject\((\d+)\)", source, re.M
        )
        slots: list[Slot | None] = [None] * (int(start[1]) if start else 0)
        accessors = dict(METHOD.findall(classes[name]))
        hints = {k.lower(): v for k, v in FIELD.findall(classes[f"{name}T"])}
        for table, field, kind, number, default in ADDER.findall(source):
            if table != name:
                continue
            hint = hints[field.lower()]
            if kind != "UOffsetTRelative":
                slots[int(number)] = scalar_slot(field, kind, default)
                continue
            slot = reference_slot(name, field, accessors[field], hint)
            if slot["kind"] == "union":
                slot["type"], members = union_members(hint, enums)
                slot.pop("of")
                unions[str(slot["type"])] = members
            slots[int(number)] = slot
        tables[name] = [slot or RETIRED.get((name, i)) for i, slot in enumerate(slots)]
    kept = {n: m for n, m in enums.items() if n not in unions}
    return {"tables": tables, "unions": unions, "enums": kept}


def opcodes_module(enum: dict[str, int], source: str) -> str:
    """The Python enum of builtin operators."""
    lines = [
        f'"""The builtin operators of TFLite. Generated by schema/regenerate.py from {source}."""',
        "",
        "from __future__ import annotations",
        "",
        "from tflopt.ir.codes import Code",
        "",
        "",
        "class OpCode(Code):",
        '    """A builtin operator; ``UNKNOWN`` stands for codes newer than this schema."""',
        "",
        "    UNKNOWN = -1",
        *[f"    {name} = {value}" for name, value in enum.items()],
    ]
    return "\n".join(lines) + "\n"


def option_field(slot: Slot) -> tuple[str, str]:
    """The annotation and the default of one field of an options dataclass."""
    name, kind = str(slot["name"]), slot["kind"]
    if kind == "string":
        return "str | None", "None"
    if kind == "vector":
        return "tuple[int, ...] | None", "None"
    if kind != "scalar":
        raise SystemExit(f"{name}: an options table with a {kind} can't be modelled")
    if name in ENUM_FIELDS:
        enum = ENUM_FIELDS[name]
        return enum, f"{enum}.{'SAME' if enum == 'Padding' else 'NONE'}"
    base = {"bool": "bool", "float32": "float"}.get(str(slot["type"]), "int")
    return base, repr(slot["default"])


def options_module(tables: dict[str, list[Slot]], source: str) -> str:
    """The dataclasses of the modelled options tables."""
    lines = [
        f'"""Options of builtin operators. Generated by schema/regenerate.py from {source}."""',
        "",
        "from __future__ import annotations",
        "",
        "from dataclasses import dataclass",
        "",
        "from tflopt.ir.types import Activation, Padding",
        "",
        "",
        "@dataclass(frozen=True)",
        "class Options:",
        '    """Base of the options of builtin operators; fields are named as in the schema."""',
    ]
    for name in MODELLED:
        fields = [(str(slot["name"]), *option_field(slot)) for slot in tables[name]]
        lines += ["", "", *(["@dataclass(frozen=True)"] if fields else [])]
        lines += [f"class {name}(Options):", f'    """``{name}`` of the TFLite schema."""']
        lines += [""] if fields else []
        lines += [f"    {field}: {kind} = {default}" for field, kind, default in fields]
    names = ",\n    ".join(MODELLED)
    lines += ["", "", f"MODELLED: tuple[type[Options], ...] = (\n    {names},\n)"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both files, or with ``--check`` say whether they are up to date."""
    text = schema_source()
    classes = dict(CLASS.findall(text))
    data = read_tables(text, classes)
    source = f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}"
    enums = data["enums"]
    assert isinstance(enums, dict)
    rows = [f'"source": "{source}"']
    for key, part in data.items():
        assert isinstance(part, dict)
        inner = ",\n".join(f"  {json.dumps(n)}: {json.dumps(v)}" for n, v in part.items())
        rows.append(f'"{key}": {{\n{inner}\n}}')
    outputs = {
        TABLES: "{\n" + ",\n".join(rows) + "\n}\n",
        OPCODES: opcodes_module(enums["BuiltinOperator"], source),
        OPTIONS: options_module(data["tables"], source),  # type: ignore[arg-type]
    }
    stale = [str(p) for p, content in outputs.items() if not p.exists() or p.read_text() != content]
    if "--check" in sys.argv:
        sys.exit(f"stale: {', '.join(stale)}" if stale else 0)
    for path, content in outputs.items():
        path.write_text(content)


if __name__ == "__main__":
    main()
