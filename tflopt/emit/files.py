"""Models -> sources: one set of files for each, one resolver and one arena for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tflopt.annotation.annotate import detach, read_annotation
from tflopt.emit.arduino import arduino_library
from tflopt.emit.arena import Arena, arena_of, largest
from tflopt.emit.array import data_files
from tflopt.emit.csolution import with_layer
from tflopt.emit.info import info_header
from tflopt.emit.main_cc import main_source
from tflopt.emit.operators import registrations
from tflopt.emit.options import EmitOptions, Layout, NamedModel
from tflopt.emit.resolver import resolver_header
from tflopt.emit.text import guarded
from tflopt.errors import UsageError
from tflopt.io import WriteOptions, write_all, write_bytes
from tflopt.ir.clone import clone
from tflopt.plan.costs import variable_count
from tflopt.plan.describe import read_plan
from tflopt.target.memory import why_no_memory
from tflopt.target.plan_check import bearers as plan_bearers
from tflopt.texts import ascii_text


def emit_files(
    models: Sequence[NamedModel], name: str = "", options: EmitOptions | None = None
) -> dict[str, bytes]:
    """The files by name, in a fixed order; the same bytes for the same input.

    Args:
        models: one or more, with different names.
        name: of the common files, by default the model's own, or ``models`` for several.
        options: see :class:`EmitOptions`.

    Raises:
        UnsupportedError: TFLM lacks an operator.
        ModelError: an annotation that is to be dropped is malformed.
        UsageError: no model, or names that clash.
    """
    options = options or EmitOptions()
    name = name or (models[0].name if len(models) == 1 else "models")
    _check_names(models, name)
    if options.drop_annotation:
        models = [without_annotation(named) for named in models]
    arenas = [arena_of(named.model, options) for named in models]
    files: dict[str, str | bytes] = {}
    for named, arena in zip(models, arenas, strict=True):
        files |= _model_files(named, arena, options)
    if len(models) > 1:
        macros = largest(arenas).macros(name.upper())
        files[f"{name}_info.h"] = guarded(f"{name}_info", "The arena of all models.", macros)
    ops = registrations((named.model for named in models), options.device)
    files[f"{name}_ops.h"] = resolver_header(name, ops)
    if options.main:
        counts = [variable_count(named.model) for named in models]
        files["main.cc"] = main_source(
            name, [named.name for named in models], counts, bool(options.arena_section)
        )
    if options.layout is Layout.ARDUINO:
        files = arduino_library(files, name, [named.name for named in models])
    if options.layout is Layout.CSOLUTION:
        files = with_layer(files, name)
    return {
        path: ascii_text(text).encode("ascii") if isinstance(text, str) else text
        for path, text in files.items()
    }


def without_annotation(named: NamedModel) -> NamedModel:
    """The same without tflopt's annotation in its bytes; they stay as they are without one.

    Raises:
        ModelError: the annotation is malformed.
    """
    annotation = read_annotation(named.model)
    if annotation is None:
        return named
    model = clone(named.model)
    detach(model)
    return NamedModel(named.name, model, write_bytes(model, WriteOptions(share=True)), annotation)


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write all files aside and rename them; folders are made where they are missing.

    Raises:
        OSError: as the system says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        (folder / name).parent.mkdir(exist_ok=True)
    write_all({folder / name: [data] for name, data in files.items()})


def _model_files(named: NamedModel, arena: Arena, options: EmitOptions) -> dict[str, str | bytes]:
    name = named.name
    planned = read_plan(named.model) is not None and not why_no_memory(named.model)
    bearers = plan_bearers(named.model, options.device) if planned else None
    return {**data_files(named, options), f"{name}_info.h": info_header(named, arena, bearers)}


def _check_names(models: Sequence[NamedModel], common: str) -> None:
    """Names must differ also in upper case, for macros, and from the common one."""
    if not models:
        raise UsageError("no model to emit")
    taken: dict[str, NamedModel] = {}
    for named in models:
        other = taken.setdefault(named.name.upper(), named)
        if other is not named:
            raise UsageError(
                f"{other.model.path} and {named.model.path} would both be {named.name!r}; "
                "rename one of the files"
            )
    if len(models) > 1 and common.upper() in taken:
        raise UsageError(f"--name {common!r} is the name of one of the models; choose another")
