"""``tflopt fit``."""

from __future__ import annotations

from typing import Annotated

import typer

from tflopt.cli.common import (
    FITTING_CMSIS_NN,
    FOR_SPEED,
    NEWEST_TFLM,
    AsJson,
    BuildName,
    CmsisNnName,
    ModelPath,
    TflmName,
    complete_board,
    load,
    make_device,
)
from tflopt.errors import EXIT_CHECK_FAILED
from tflopt.product.fit import fit_boards
from tflopt.product.settings import DEFAULT_TARGET
from tflopt.report.fit import fit_json, print_fits
from tflopt.report.json_report import dumps
from tflopt.target.boards import all_boards, find_board


def fit(
    model: ModelPath,
    board: Annotated[
        list[str] | None,
        typer.Option(
            "--board",
            help="Just this board; repeatable. 'tflopt help boards' lists them.",
            autocompletion=complete_board,
        ),
    ] = None,
    cmsis_nn: CmsisNnName = FITTING_CMSIS_NN,
    tflm: TflmName = NEWEST_TFLM,
    build: BuildName = FOR_SPEED,
    as_json: AsJson = False,
) -> None:
    """Say on which boards MODEL.tflite fits, what is left there, and how fast it runs.

    The arena may be split over two memories. Times are ranges from published measurements. Exit
    code 1 says that it fits on none of the boards.
    """
    boards = [find_board(name) for name in board] if board else all_boards()
    loaded, data = load(model)
    device = make_device(DEFAULT_TARGET, cmsis_nn, tflm, build)
    fits = fit_boards(loaded, len(data), boards, device)
    if as_json:
        typer.echo(dumps(fit_json(str(model), fits, device)), nl=False)
    else:
        print_fits(str(model), fits)
    if not any(outcome.fits for outcome in fits):
        raise typer.Exit(EXIT_CHECK_FAILED)
