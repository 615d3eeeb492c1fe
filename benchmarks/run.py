"""Runs every benchmark that is here and prints what they print.

    python benchmarks/run.py [--only flash] [--write]

``--write`` puts each section of ``docs/benchmarks.md`` between its markers anew, with the command
and the date. A benchmark that fails, or can't run here (exit code 4), leaves its section as it
is. Exits with 1 if one failed. ``others`` looks for ``helia-aot`` and ``vela`` on the PATH.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
CANNOT_RUN = 4
TITLE = """# Measured results

Each section names the command that reproduces it; `python benchmarks/run.py --write` (or
`nox -s bench -- --write`) writes them all anew. Times depend on the machine, all else does not.
"""


@dataclass(frozen=True)
class Benchmark:
    """A script with its heading on the page; ``plain`` output is set as it is."""

    name: str
    title: str
    arguments: tuple[str, ...] = ()
    plain: bool = False

    @property
    def script(self) -> Path:
        """Its file."""
        return ROOT / "benchmarks" / f"{self.name}.py"

    @property
    def command(self) -> str:
        """What a reader types."""
        return " ".join(["python", f"benchmarks/{self.name}.py", *self.arguments])


PAGES = tuple(
    word
    for name in ("har_cnn", "resnet8", "torch_tcn", "vww_96_int8")
    for word in ("--model", name)
)
BENCHMARKS = (
    Benchmark("flash", "Flash", ("--samples", "16")),
    Benchmark("models", "Every model, with default options", ("--samples", "64")),
    Benchmark("field", "Models from the field", ("../shared/field/models",)),
    Benchmark("rules", "Rules on every model"),
    Benchmark("times", "Times beside published ones"),
    Benchmark("devices", "On emulated devices", ("--samples", "8")),
    Benchmark("depthwise", "Depthwise layers"),
    Benchmark("layers", "Random layers in every form", ("--layers", "3200")),
    Benchmark("kernels", "Models of the kernels", ("--sets", "100000")),
    Benchmark("channels", "Channels that carry nothing", ("--planted", "5000")),
    Benchmark("unchanging", "Channels that never change, and those that can"),
    Benchmark("ranges", "Ranges against every input", ("--count", "10000"), plain=True),
    Benchmark("startup", "Start-up"),
    Benchmark("tool", "Time and memory of the tool"),
    Benchmark("pages", "Pages of reports", PAGES),
    Benchmark("others", "Beside other tools"),
    Benchmark("planner", "Memory planner"),
    Benchmark("heads", "Predicted heads", ("--graphs", "1000", "--seed", "1")),
    Benchmark("scratch_oracle", "Scratch sizes", ("--layers", "200000", "--seed", "1"), plain=True),
)


def run(benchmark: Benchmark) -> tuple[int, str]:
    """Exit code and output; errors go to the terminal as they come."""
    done = subprocess.run(
        [sys.executable, str(benchmark.script), *benchmark.arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip()


def section(benchmark: Benchmark, output: str, day: date) -> str:
    """What stands between the markers; headings inside go one level down."""
    if benchmark.plain:
        body = f"```\n{output}\n```"
    else:
        body = "\n".join(
            f"#{line}" if line.startswith("#") else line for line in output.split("\n")
        )
    version = f"Python {platform.python_version()}"
    return f"## {benchmark.title}\n\n`{benchmark.command}`, {day.isoformat()}, {version}.\n\n{body}"


def replace_section(page: str, name: str, text: str) -> str:
    """The page with the section put anew, at its place or at the end.

    Raises:
        ValueError: the page has only one of the two markers.
    """
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    if (begin in page) != (end in page):
        raise ValueError(f"docs/benchmarks.md has one of the markers of {name}, not both")
    if begin not in page:
        return f"{page.rstrip()}\n\n{begin}\n{text}\n{end}\n"
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n{text}\n{end}{tail}"


def chosen(names: list[str] | None) -> list[Benchmark]:
    """The benchmarks whose scripts are here, or those that are asked for."""
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"{name}: one of {', '.join(known)}")
    picked = [known[name] for name in names] if names else list(BENCHMARKS)
    return [benchmark for benchmark in picked if benchmark.script.exists()]


def main(
    only: Annotated[list[str] | None, typer.Option(help="This one; repeatable.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Update docs/benchmarks.md.")] = False,
) -> None:
    """Run the benchmarks, print their tables, and keep them in the documentation if asked."""
    failed = []
    for benchmark in chosen(only):
        code, output = run(benchmark)
        text = section(benchmark, output, date.today())
        print(f"{text}\n", flush=True)
        if code == CANNOT_RUN:
            typer.echo(f"{benchmark.name}: can't run here", err=True)
        elif code:
            failed.append(benchmark.name)
        elif write:
            page = PAGE.read_text() if PAGE.exists() else TITLE
            PAGE.write_text(replace_section(page, benchmark.name, text))
    if failed:
        typer.echo(f"failed: {', '.join(failed)}", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
