"""``tflopt help``: the help of a command, or a page of the manual, which comes with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import tflopt
from tflopt.errors import UsageError
from tflopt.texts import near_match

PACKAGE = Path(tflopt.__file__).resolve().parent
FOLDERS = (PACKAGE / "_docs", PACKAGE.parent / "docs")
"""As installed, and in a clone."""


def show_help(
    topic: Annotated[
        str | None, typer.Argument(metavar="TOPIC", help="A command, or a page.")
    ] = None,
) -> None:
    """Show the help of a command, or a page of the manual; without TOPIC, list the pages."""
    pages = find_pages()
    if topic is None:
        typer.echo(_listed(pages))
        return
    from tflopt.cli.commands import HELP_NAMES, PLACES, load_command

    name = topic.removesuffix(".md").removeprefix("docs/")
    if topic in PLACES:
        command = load_command(name)
        with typer.Context(command, info_name=name, help_option_names=list(HELP_NAMES)) as context:
            typer.echo(command.get_help(context))
        if name in pages:
            typer.echo(f"\nMore: tflopt help {name}.md")
        return
    if name not in pages:
        hint = near_match(name, [*PLACES, *pages]) or "'tflopt help' lists the topics"
        raise UsageError(f"there is no topic {topic!r}; {hint}")
    typer.echo(pages[name].read_text(encoding="utf-8"), nl=False)


def find_pages() -> dict[str, Path]:
    """The pages of the manual by name."""
    folder = next((path for path in FOLDERS if path.is_dir()), None)
    if folder is None:
        return {}
    return {path.stem: path for path in sorted(folder.glob("*.md"))}


def _listed(pages: dict[str, Path]) -> str:
    column = max((len(name) for name in pages), default=0) + 2
    lines = [f"  {name:<{column}}{_title(path)}" for name, path in pages.items()]
    return "\n".join(["tflopt help PAGE prints one of these:", "", *lines])


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return next((line.lstrip("# ").strip() for line in file if line.startswith("#")), "")
