"""``tflopt.toml``, or ``[tool.tflopt]`` of pyproject.toml, as a list of models to check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tflopt.errors import UsageError
from tflopt.gate.keys import Keys
from tflopt.io.beside import bytes_beside
from tflopt.io.toml import read_toml
from tflopt.product.optimize import Settings
from tflopt.product.options import ChooseRunner, Options, options
from tflopt.run.choose import DeviceOptions, device_runner
from tflopt.run.device import DeviceRunner
from tflopt.run.registry import EMULATORS, RUNNER_NAMES

MODELS = "model"
OPTIONS = frozenset(option.key for option in options().values())


@dataclass(frozen=True)
class Entry:
    """One model: how the configuration names it, its file, and its options and budgets."""

    name: str
    path: Path
    settings: Settings


def read_config(path: Path) -> list[Entry]:
    """The models of a configuration, in its order; patterns in the order of the names.

    Raises:
        UsageError: no such file, no TOML, an unknown key, a wrong value, or no model.
    """
    table = _table(path)
    defaults = {key: value for key, value in table.items() if key != MODELS}
    tables = Keys(table, str(path), OPTIONS | {MODELS}).tables(MODELS)
    entries = []
    for index, own in enumerate(tables):
        where = f"{path}: {MODELS} {index + 1}"
        keys = Keys({**defaults, **own}, where, OPTIONS | {"path"})
        settings = _settings(keys, path.parent)
        entries += [Entry(n, p, settings) for n, p in _paths(path.parent, keys)]
    if not entries:
        raise UsageError(f"{path}: no model; add [[{MODELS}]] with a path")
    return entries


def _table(path: Path) -> Mapping[str, object]:
    table = read_toml(bytes_beside(path), str(path))
    if path.name != "pyproject.toml" and "tool" not in table:
        return table
    tool = table.get("tool")
    own = tool.get("tflopt") if isinstance(tool, dict) else None
    if not isinstance(own, dict):
        raise UsageError(f"{path}: has no table [tool.tflopt]")
    return own


def _paths(folder: Path, keys: Keys) -> list[tuple[str, Path]]:
    """Names as written and files; relative paths start at the configuration's folder."""
    pattern = keys.text("path")
    if not pattern:
        raise UsageError(f"{keys.where}: has no path")
    if (folder / pattern).exists() or not any(c in pattern for c in "*?["):
        return [(pattern, folder / pattern)]
    if Path(pattern).is_absolute():
        raise UsageError(f"{keys.where}: the pattern {pattern!r} must be relative")
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise UsageError(f"{keys.where}: no file matches {pattern!r}")
    return [(path.relative_to(folder).as_posix(), path) for path in paths]


def _choose(folder: Path, where: str) -> ChooseRunner:
    """Paths of libraries, images and executables start at the configuration's folder."""

    def choose(name: str, said: DeviceOptions) -> str | DeviceRunner:
        if name not in RUNNER_NAMES:
            raise UsageError(f"{where}: runner must be one of {', '.join(RUNNER_NAMES)}")
        paths = {"tflm-lib": said.library, "firmware": said.firmware, "fvp": said.fvp}
        if name not in EMULATORS:
            for key, path in paths.items():
                if path is not None:
                    raise UsageError(f"{where}: {key} needs runner = 'qemu' or 'fvp'")
            return name
        library, firmware, fvp = (None if p is None else folder / p for p in paths.values())
        return device_runner(name, replace(said, library=library, firmware=firmware, fvp=fvp))

    return choose


def _settings(keys: Keys, folder: Path) -> Settings:
    said = Options(**{name: keys.option(option) for name, option in options().items()})  # type: ignore[arg-type]
    if said.require_verified and not said.verify:
        raise UsageError(f"{keys.where}: require-verified needs verify = true")
    return said.settings(_choose(folder, keys.where))
