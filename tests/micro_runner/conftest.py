"""Firmware images with the stand-in engine, each built once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.micro_runner.firmware import HOST, build_firmware

Images = Callable[[str], Path]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """The image for a board; the host's is built with sanitizers."""
    built: dict[str, Path] = {}

    def image(board: str) -> Path:
        if board not in built:
            options = ["-DTFLOPT_ENGINE=small"]
            options += ["-DTFLOPT_SANITIZE=ON"] if board == HOST else []
            folder = tmp_path_factory.mktemp(f"firmware-{board}")
            built[board] = build_firmware(folder, *options, board=board)
        return built[board]

    return image
