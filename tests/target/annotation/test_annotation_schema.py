import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.unit
SCHEMA = Path(__file__).parents[3] / "schema"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "regenerate_annotation", SCHEMA / "regenerate_annotation.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["regenerate_annotation"] = module
    spec.loader.exec_module(module)
    return module


def test_regenerating_gives_the_same_bytes() -> None:
    script = _script()
    found = script.flatc_version()
    if found != script.FLATC_VERSION:
        pytest.skip(f"flatc {script.FLATC_VERSION} is needed, found {found}")
    for path, text in script.generate().items():
        assert path.read_text(encoding="utf-8") == text, path
