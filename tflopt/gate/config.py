"""``tflopt.toml``, or ``[tool.tflopt]`` of pyproject.toml, as a list of models to check."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tflopt.config import Config, Goal, IoLayout, Plan, Runtime, Strip, Tile, Tiling, make_tiling
from tflopt.errors import UsageError
from tflopt.gate.keys import Keys
from tflopt.io import WriteOptions
from tflopt.io.layout import DATA_ALIGNMENT
from tflopt.product.annotate import Annotate
from tflopt.product.optimize import DEFAULT_TARGET, Settings
from tflopt.rules.pipeline import Selection
from tflopt.run.choose import DeviceOptions, device_runner
from tflopt.run.device import EMULATORS, DeviceRunner
from tflopt.run.samples import SampleOptions
from tflopt.target import Target
from tflopt.target.cmsis_nn import NEWEST, find_version
from tflopt.target.memory import Device, PlanRequest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MODELS = "model"
OPTIONS = frozenset(
    {
        *("target", "cmsis-nn", "runtime", "strip", "keep", "align", "goal", "plan"),
        "overlap",
        "io-layout",
        "allow-lsb",
        *("only", "disable", "annotate", "verify", "samples", "seed", "runner"),
        *("tflm-lib", "firmware", "fvp"),
        *("max-flash", "max-arena", "max-instructions", "max-slowdown", "tile", "require-verified"),
    }
)


class Overlap(Enum):
    """How far a plan lets tensors overlap; as in :class:`PlanRequest`."""

    NONE = ""
    TARGET = "target"
    ALL = "all"


class Runner(Enum):
    """Who runs the models."""

    AUTO = "auto"
    TFLM = "tflm"
    LITERT = "litert"
    QEMU = "qemu"
    FVP = "fvp"


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
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    try:
        table: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
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
    found = sorted(folder.glob(pattern))
    if not found:
        raise UsageError(f"{keys.where}: no file matches {pattern!r}")
    return [(path.relative_to(folder).as_posix(), path) for path in found]


def _runner(keys: Keys, target: Target, folder: Path) -> str | DeviceRunner:
    """Paths of libraries, images and executables start at the configuration's folder."""
    name = keys.choice("runner", Runner, Runner.AUTO).value
    names = ("tflm-lib", "firmware", "fvp")
    library, firmware, fvp = (folder / text if text else None for text in map(keys.text, names))
    if name in EMULATORS:
        return device_runner(name, DeviceOptions(target, library, firmware, fvp))
    for key in names:
        if keys.text(key):
            raise UsageError(f"{keys.where}: {key} needs runner = 'qemu' or 'fvp'")
    return name


def _tiling(keys: Keys, goal: Goal) -> Tiling | None:
    limit = keys.size("max-arena")
    asked = goal is Goal.MEMORY or limit is not None
    tile = keys.choice("tile", Tile, Tile.AUTO if asked else Tile.OFF)
    return make_tiling(tile, goal, keys.number("max-slowdown", 10, 0), limit)


def _settings(keys: Keys, folder: Path) -> Settings:
    device = Device(
        Target.parse(keys.text("target", DEFAULT_TARGET)),
        find_version(keys.text("cmsis-nn", NEWEST.name)),
    )
    plan, goal = None, keys.choice("goal", Goal, Goal.BALANCED)
    small = goal is Goal.FLASH
    if keys.choice("plan", Plan, Plan.NONE if small else Plan.OFFLINE) is Plan.OFFLINE:
        plan = PlanRequest(overlap=keys.choice("overlap", Overlap, Overlap.NONE).value)
    config = Config(
        runtime=keys.choice("runtime", Runtime, Runtime.BOTH),
        strip=keys.choice("strip", Strip, Strip.DEFAULT),
        keep=frozenset(keys.texts("keep") or ()),
        device=device,
        plan=plan,
        goal=goal,
        io_layout=keys.choice("io-layout", IoLayout, IoLayout.KEEP),
        allow_lsb=keys.number("allow-lsb", 0, 0),
        tiling=_tiling(keys, goal),
    )
    samples = SampleOptions(keys.number("samples", 32, 1), keys.number("seed", 0, 0))
    settings = Settings(
        selection=Selection(keys.texts("only"), keys.texts("disable") or ()),
        config=config,
        layout=WriteOptions(keys.number("align", DATA_ALIGNMENT, DATA_ALIGNMENT), share=True),
        samples=samples if keys.flag("verify", True) else None,
        runner=_runner(keys, device.target, folder),
        annotate=keys.choice("annotate", Annotate, Annotate.NONE if small else Annotate.METADATA),
        max_arena_bytes=keys.size("max-arena"),
        max_flash_bytes=keys.size("max-flash"),
        max_instructions=keys.count("max-instructions"),
        require_verified=keys.flag("require-verified"),
    )
    if settings.require_verified and settings.samples is None:
        raise UsageError(f"{keys.where}: require-verified needs verify = true")
    return settings
