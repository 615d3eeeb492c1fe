"""``tflopt emit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tflopt.cli.common import (
    FITTING_CMSIS_NN,
    FOR_SPEED,
    NEWEST_TFLM,
    BuildName,
    CmsisNnName,
    Quiet,
    TargetName,
    TflmName,
    load,
    make_device,
)
from tflopt.emit.files import emit_files, write_files
from tflopt.emit.names import check_name, model_name
from tflopt.emit.options import LEAST_ALIGNMENT, EmitOptions, Language, Layout, NamedModel
from tflopt.errors import UsageError, printable
from tflopt.io.files import check_folder, is_same
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.product.optimize import DEFAULT_TARGET
from tflopt.report.notes import target_notes
from tflopt.target.quantities import parse_size


def emit(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL.tflite...", show_default=False)],
    folder: Annotated[Path, typer.Option("--dir", "-d", help="Where the files go.")],
    name: Annotated[
        str | None,
        typer.Option("--name", help="Prefix; of the resolver and the arena for several models."),
    ] = None,
    target: TargetName = DEFAULT_TARGET,
    cmsis_nn: CmsisNnName = FITTING_CMSIS_NN,
    tflm: TflmName = NEWEST_TFLM,
    build: BuildName = FOR_SPEED,
    section: Annotated[str, typer.Option("--section", help="Linker section of the model.")] = "",
    align: Annotated[
        int, typer.Option("--align", help="Alignment of the model in memory.")
    ] = LEAST_ALIGNMENT,
    incbin: Annotated[
        bool, typer.Option("--incbin", help="Include the model by assembly instead of an array.")
    ] = False,
    main: Annotated[bool, typer.Option("--main", help="Also write a minimal main.cc.")] = False,
    language: Annotated[
        Language, typer.Option("--language", help="Language of the array.")
    ] = Language.CPP,
    layout: Annotated[
        Layout,
        typer.Option("--layout", help="Files side by side, an Arduino library or csolution layer."),
    ] = Layout.PLAIN,
    arena: Annotated[
        str | None, typer.Option("--arena", metavar="SIZE", help="State this arena, e.g. 64K.")
    ] = None,
    arena_alignment: Annotated[
        int,
        typer.Option(
            "--arena-alignment", metavar="BYTES", help="Align the arena; as given to 'optimize'."
        ),
    ] = ARENA_ALIGNMENT,
    arena_section: Annotated[
        str, typer.Option("--arena-section", help="Linker section of the arena, e.g. .bss.dtcm.")
    ] = "",
    drop_annotation: Annotated[
        bool,
        typer.Option(
            "--drop-annotation", help="Leave tflopt's annotation out; the header has its numbers."
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write a model as C or C++ sources: array, op resolver, arena size, quantization.

    Several models share one resolver with all their operators and one arena, the largest.
    """
    options = EmitOptions(
        device=make_device(target, cmsis_nn, tflm, build),
        section=section,
        alignment=align,
        incbin=incbin,
        main=main,
        language=language,
        layout=layout,
        arena_bytes=None if arena is None else parse_size(arena),
        arena_alignment=arena_alignment,
        drop_annotation=drop_annotation,
        arena_section=arena_section,
    )
    chosen = "" if name is None else check_name(name)
    check_folder(folder)
    named = [
        NamedModel(chosen if chosen and len(models) == 1 else model_name(path.name), *load(path))
        for path in models
    ]
    files = emit_files(named, chosen, options)
    for path in models:
        if any(is_same(path, folder / file) for file in files):
            raise UsageError(f"{path}: would be overwritten; choose another --dir or --name")
    write_files(files, folder)
    if quiet:
        return
    typer.echo("\n".join(printable(str(folder / file)) for file in files))
    for source in named:
        for note in target_notes(source.model, options.device):
            typer.echo(f"note: {printable(source.model.path or source.name)}: {note}", err=True)
