"""The TFLM libraries that a developer has: named in the environment, or in a file.

``TFLOPT_TFLM_LIB_CORTEX_M55=DIR`` for a core, or ``tflm-libraries.toml`` beside ``pyproject.toml``
with lines like ``cortex-m55 = "DIR"``. DIR has ``lib/libtensorflow-microlite.a`` and ``include/``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.support.paths import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIG = ROOT / "tflm-libraries.toml"


def library_of(core: str) -> Path | None:
    """The folder for ``cortex-m55`` and the like; none if nobody named one."""
    named = os.environ.get(variable_of(core))
    if named is None and CONFIG.is_file():
        named = tomllib.loads(CONFIG.read_text()).get(core)
    return None if named is None else Path(named)


def variable_of(core: str) -> str:
    """The name of the environment variable for a core."""
    return "TFLOPT_TFLM_LIB_" + core.upper().replace("-", "_")
