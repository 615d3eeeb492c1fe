"""The parts of pages that come from the code, between marks that ``tests.docs.write`` looks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.docs.boards import boards
from tests.docs.commands import commands
from tests.docs.rules import rules
from tests.docs.runs import runs
from tests.docs.schema import schema_tables
from tests.docs.targets import targets
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
BEGIN = "<!-- begin: written by python -m tests.docs.write -->\n"
END = "<!-- end -->\n"


@dataclass(frozen=True)
class Part:
    """What stands between the marks of a page."""

    page: str
    lines: Callable[[], Iterable[str]]

    @property
    def text(self) -> str:
        """The page as it is."""
        return (DOCS / self.page).read_text(encoding="utf-8")

    def renewed(self) -> str:
        """The page as it should be."""
        before, rest = self.text.split(BEGIN)
        _, after = rest.split(END)
        lines = "\n".join(self.lines()).strip()
        return f"{before}{BEGIN}\n{lines}\n\n{END}{after}"


PARTS = (
    Part("boards.md", boards),
    Part("commands.md", commands),
    Part("report-schema.md", schema_tables),
    Part("rules.md", rules),
    Part("runs.md", runs),
    Part("targets.md", targets),
)
