"""Pictures of the HTML report for the docs: ``python -m tests.docs.screenshots [MODEL ...]``.

Needs Chromium and the models; a model that isn't here is left out with a word, and its pictures
stay as they are. Each is shown on a wide screen and on a phone, light and dark, with an operator
chosen. The files are WebP, so that all of them together stay below a megabyte.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.browser import CHROMIUM, FLAGS, served
from tests.support.paths import ROOT, SHARED, TESTDATA
from tests.support.waiting import HANG_S

FOLDER = ROOT / "docs" / "_static" / "report"
FIELD = ROOT.parent / "shared" / "field" / "models"
MODELS = {
    "vww_96_int8": SHARED,
    "torch_tcn": TESTDATA,
    "mww_okay_nabu": FIELD,
    "mobilenet_v2_pytorch": SHARED,
}
MISSING = 4
"""The exit code where nothing could be drawn."""
WRAPPER = """<!doctype html><body style="margin:0;zoom:{zoom}">
<iframe id="frame" src="page.html" style="border:0;width:{width}px;height:{height}px"></iframe>
<script>window.addEventListener("load", () => {{
  const page = document.getElementById("frame").contentDocument;
  page.querySelectorAll('[data-view="graph"][data-side="before"] g.op')[{chosen}]
    ?.dispatchEvent(new MouseEvent("click", {{ bubbles: true }}));
}});</script>"""


@dataclass(frozen=True)
class Shot:
    """One picture of a page; sizes in CSS pixels."""

    name: str
    width: int
    height: int
    zoom: float
    dark: bool

    @property
    def scheme(self) -> str:
        """Light or dark, as a part of the file's name."""
        return "dark" if self.dark else "light"


SHOTS = tuple(
    Shot(name, width, height, zoom, dark)
    for name, width, height, zoom in (("wide", 1280, 2150, 0.65), ("narrow", 390, 1700, 0.75))
    for dark in (False, True)
)


def picture_path(model: str, shot: Shot) -> Path:
    """Where a picture is kept."""
    return FOLDER / f"{model}-{shot.name}-{shot.scheme}.webp"


def present(names: list[str]) -> Iterator[tuple[str, Path]]:
    """The models that are here; a word about each that isn't."""
    for name in names or MODELS:
        path = MODELS[name] / f"{name}.tflite"
        if path.exists():
            yield name, path
        else:
            sys.stderr.write(f"{name} is not here: its pictures stay as they are\n")


def page_of(path: Path, folder: Path) -> str:
    """The page that ``tflopt report`` writes for a model."""
    target = folder / "page.html"
    command = [sys.executable, "-m", "tflopt", "report", str(path), "-o", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return target.read_text(encoding="utf-8")


def draw(page: str, shot: Shot, target: Path, folder: Path) -> None:
    """Render the top of a page with the fourth operator chosen."""
    assert CHROMIUM is not None
    width, height = int(shot.width * shot.zoom), int(shot.height * shot.zoom)
    size = {"width": shot.width, "height": shot.height, "zoom": shot.zoom}
    files = {"/": WRAPPER.format(**size, chosen=3), "/page.html": page}
    scheme = "--blink-settings=preferredColorScheme=" + ("0" if shot.dark else "1")
    with served(files) as (address, _):
        subprocess.run(
            [
                *(CHROMIUM, *FLAGS, scheme, f"--screenshot={target}"),
                *(f"--window-size={width},{height}", f"--user-data-dir={folder / 'profile'}"),
                address,
            ],
            capture_output=True,
            timeout=HANG_S,
            check=True,
        )


def main(names: list[str]) -> int:
    """Entry point."""
    if CHROMIUM is None:
        sys.stderr.write("Chromium is not here: the pictures stay as they are\n")
        return MISSING
    FOLDER.mkdir(parents=True, exist_ok=True)
    drawn = 0
    with tempfile.TemporaryDirectory() as temporary:
        for name, path in present(names):
            page = page_of(path, Path(temporary))
            for shot in SHOTS:
                draw(page, shot, picture_path(name, shot), Path(temporary))
                drawn += 1
    return 0 if drawn else MISSING


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
