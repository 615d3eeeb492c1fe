"""Every option of one optimization, once: command line, configuration and Python derive from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from functools import cache
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args, get_origin, get_type_hints

from tflopt.annotation.annotate import Annotate
from tflopt.config import Config, Goal, IoLayout, Plan, Runtime, Strip, Tile, make_tiling
from tflopt.errors import UsageError
from tflopt.io import WriteOptions
from tflopt.io.writing.layout import DATA_ALIGNMENT
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.plan.offline import OfflineOptions
from tflopt.plan.solve import SolveOptions
from tflopt.product.settings import DEFAULT_TARGET, Settings, target_on
from tflopt.rules.channels.merge_twin_channels import MergeTwinChannels
from tflopt.rules.channels.remove_channels import RemoveChannels
from tflopt.rules.pipeline import Selection
from tflopt.run.choose import DeviceOptions
from tflopt.run.registry import RUNNERS_IN_WORDS, TIME_LIMIT_S
from tflopt.run.samples import SampleOptions
from tflopt.target.device import Device
from tflopt.target.kernel_sets import APART, EVERY, PORTABLE, THIS_ISA
from tflopt.target.memory import PlanRequest
from tflopt.target.quantities import parse_count, parse_size
from tflopt.target.setup import NEWEST_RUNTIME

if TYPE_CHECKING:
    from tflopt.run.runner import Runner
    from tflopt.target.boards import Board

CHANNELS = (RemoveChannels.name, MergeTwinChannels.name)
"""The rules that ``--keep-channels`` leaves out."""
Texts = tuple[str, ...]
ChooseRunner = Callable[[str, DeviceOptions], "str | Runner"]


class Overlap(Enum):
    """How far a plan lets tensors overlap; as in :class:`PlanRequest`."""

    NONE = APART
    EVERY = EVERY
    TARGET = THIS_ISA
    ALL = PORTABLE


@dataclass(frozen=True)
class Flag:
    """A flag of the command line that stands for one value of an option."""

    name: str
    value: Enum
    help: str


@dataclass(frozen=True)
class Spec:
    """How an option is written.

    Args:
        help: one line.
        names: on the command line, where that isn't ``--`` and the field's name.
        metavar: what stands for its value.
        least: the smallest number.
        most: the largest number.
        shown: what the help gives as the default.
        parse: makes the number of a text such as ``64K``.
        negated: the flag on the command line says the opposite of the field.
        flags: take the option's place on the command line.
    """

    help: str
    names: Texts = ()
    metavar: str | None = None
    least: int | None = None
    most: int | None = None
    shown: str | None = None
    parse: Callable[[str], int] | None = None
    negated: bool = False
    flags: tuple[Flag, ...] = ()

    @property
    def floor(self) -> float:
        """The smallest number, minus infinity without one."""
        return -inf if self.least is None else self.least

    @property
    def ceiling(self) -> float:
        """The largest number, infinity without one."""
        return inf if self.most is None else self.most


@dataclass(frozen=True)
class Options:
    """What a user may say of one optimization, as it is said; see :meth:`settings`."""

    target: Annotated[
        str,
        Spec("Core in GCC's spelling; 'tflopt targets' lists them.", ("--target", "-t")),
    ] = DEFAULT_TARGET
    board: Annotated[
        str,
        Spec(
            "Its core, RAM and flash as target and budgets; 'tflopt help boards' lists them.",
            metavar="NAME",
            shown="none",
        ),
    ] = ""
    profile: Annotated[
        Path | None,
        Spec("The firmware's library, as 'tflopt targets --probe' wrote it.", metavar="FILE"),
    ] = None
    disable: Annotated[Texts | None, Spec("Leave out a rule; repeatable.")] = None
    only: Annotated[Texts | None, Spec("Run just this rule; repeatable; '' runs none.")] = None
    strip: Annotated[Strip, Spec("Drop what no kernel reads; 'all': names of inputs too.")] = (
        Strip.DEFAULT
    )
    keep: Annotated[
        Texts | None, Spec("Keep this tensor name, signature or metadata; repeatable.")
    ] = None
    runtime: Annotated[Runtime, Spec("Who must load the file: TFLM and LiteRT, or TFLM alone.")] = (
        Runtime.BOTH
    )
    align: Annotated[int, Spec("Alignment of weights in the file, in bytes.")] = DATA_ALIGNMENT
    cmsis_nn: Annotated[
        str,
        Spec(
            "CMSIS-NN of the firmware, for scratch sizes.",
            metavar="VERSION",
            shown="the one that goes with --tflm",
        ),
    ] = ""
    tflm: Annotated[str, Spec("TFLM of the firmware, by its commit.", metavar="COMMIT")] = (
        NEWEST_RUNTIME.name
    )
    build: Annotated[
        str,
        Spec("Of the TFLM library; with ',armclang' for Arm's compiler.", metavar="speed|size"),
    ] = "speed"
    goal: Annotated[Goal, Spec("What decides between forms; flash: no plan, no annotation.")] = (
        Goal.BALANCED
    )
    plan: Annotated[
        Plan | None,
        Spec("Write a memory plan where it lowers the arena.", shown=Plan.OFFLINE.value),
    ] = None
    overlap: Annotated[
        Overlap,
        Spec(
            "How closely outputs follow the input they consume.",
            flags=(
                Flag(
                    "overlap",
                    Overlap.TARGET,
                    "Overlap as TFLM's kernels and CMSIS-NN's on this ISA bear it.",
                ),
                Flag(
                    "overlap_all",
                    Overlap.ALL,
                    "The same by CMSIS-NN's kernels on every ISA alone.",
                ),
                Flag("no_overlap", Overlap.NONE, "Keep outputs apart from the input they consume."),
            ),
        ),
    ] = Overlap.EVERY
    tile: Annotated[
        Tile | None,
        Spec(
            "Compute large layers in bands of rows where that lowers the arena.",
            shown="off; auto with --goal memory, and where --max-arena is missed",
        ),
    ] = None
    max_slowdown: Annotated[
        float,
        Spec(
            "How many more predicted instructions bands may take.",
            metavar="PERCENT",
            least=0,
            most=1000,
        ),
    ] = 10.0
    pin: Annotated[
        Texts | None, Spec("Fix a tensor's place; repeatable.", metavar="TENSOR=OFFSET")
    ] = None
    preserve_inputs: Annotated[bool, Spec("Keep inputs intact to the end.")] = False
    reserve_head: Annotated[
        int, Spec("Keep tensors out of the start.", metavar="SIZE", parse=parse_size)
    ] = 0
    arena_alignment: Annotated[int, Spec("Align tensors, and the arena.", metavar="BYTES")] = (
        ARENA_ALIGNMENT
    )
    plan_time: Annotated[
        float | None, Spec("End the search early.", metavar="SECONDS", least=0, most=86_400)
    ] = None
    max_arena: Annotated[
        int | None,
        Spec("Stay within this arena, or fail.", metavar="SIZE", parse=parse_size),
    ] = None
    max_flash: Annotated[
        int | None,
        Spec("Stay within this file size, or fail.", metavar="SIZE", parse=parse_size),
    ] = None
    max_instructions: Annotated[
        int | None,
        Spec(
            "Stay within so many predicted instructions, or fail; e.g. 2.5M.",
            metavar="COUNT",
            parse=parse_count,
        ),
    ] = None
    effort: Annotated[
        float, Spec("How long to look for better results; 1: default.", least=0, most=100)
    ] = 1.0
    require_verified: Annotated[bool, Spec("Fail where nothing could be compared.")] = False
    route_around: Annotated[
        bool,
        Spec(
            "Write layers otherwise that the target's kernels compute wrongly.",
            ("--route-around/--no-route-around",),
        ),
    ] = True
    keep_channels: Annotated[bool, Spec("Leave all channels, also those that carry nothing.")] = (
        False
    )
    fail_on_hazard: Annotated[bool, Spec("Fail where kernels compute a layer wrongly.")] = False
    io_layout: Annotated[
        IoLayout, Spec("'nhwc': the caller arranges inputs and outputs as layers do.")
    ] = IoLayout.KEEP
    narrow_outputs: Annotated[bool, Spec("Let int64 outputs, which TFLM lacks, become int32.")] = (
        False
    )
    allow_lsb: Annotated[
        int,
        Spec(
            "Let integer forms of float operators be off by N steps; 0: exact only.",
            metavar="N",
            least=0,
            most=8,
        ),
    ] = 0
    annotate: Annotated[
        Annotate | None,
        Spec("Where scratch and arena sizes are stored.", shown=Annotate.METADATA.value),
    ] = None
    samples: Annotated[int, Spec("Inputs to compare on.", least=1, most=100_000)] = 32
    seed: Annotated[int, Spec("Seed of the random inputs.", least=0)] = 0
    runner: Annotated[str, Spec(RUNNERS_IN_WORDS)] = "auto"
    tflm_lib: Annotated[
        Path | None,
        Spec(
            "Your TFLM build for --target: lib/ and include/. "
            "Default: $TFLOPT_TFLM_LIB_CORTEX_M55 and the like.",
            metavar="DIR",
        ),
    ] = None
    firmware: Annotated[
        Path | None, Spec("A firmware image instead of a library.", metavar="IMAGE.elf")
    ] = None
    fvp: Annotated[
        Path | None, Spec("Arm's Corstone-300 FVP. Default: from PATH.", metavar="PATH")
    ] = None
    time_limit: Annotated[float, Spec("For each boot.", metavar="SECONDS", least=1)] = TIME_LIMIT_S
    verify: Annotated[
        bool,
        Spec("Don't run original and optimized to compare.", ("--no-verify",), negated=True),
    ] = True

    def settings(self, choose: ChooseRunner) -> Settings:
        """What ``optimize`` does with them.

        Args:
            choose: gives a runner for its name and what was said of the device.

        Raises:
            UsageError: two exclude each other, or there is no such target, version, rule or runner.
        """
        if self.board:
            from tflopt.target.boards import find_board

            return self._on_board(find_board(self.board)).settings(choose)
        if self.require_verified and not self.verify:
            raise UsageError("--require-verified and --no-verify exclude each other")
        device = self._device()
        devices = DeviceOptions(
            device.target, self.tflm_lib, self.firmware, self.fvp, self.time_limit
        )
        small = self.goal is Goal.FLASH
        left_out = CHANNELS if self.keep_channels else ()
        return Settings(
            selection=Selection(self.only, (*(self.disable or ()), *left_out)),
            config=self._config(device),
            layout=WriteOptions(self.align, share=True),
            samples=SampleOptions(self.samples, self.seed) if self.verify else None,
            runner=choose(self.runner, devices),
            annotate=self.annotate or (Annotate.NONE if small else Annotate.METADATA),
            pins=self.pin or (),
            max_arena_bytes=self.max_arena,
            max_flash_bytes=self.max_flash,
            max_instructions=self.max_instructions,
            require_verified=self.require_verified,
            fail_on_hazard=self.fail_on_hazard,
            effort=self.effort,
        )

    def _device(self) -> Device:
        if self.profile is None:
            return Device.of(self.target, self.cmsis_nn, self.tflm, self.build)
        from tflopt.target.probe import profiled

        return profiled(self.profile, self.target, self.cmsis_nn, self.tflm, self.build)

    def _on_board(self, board: Board) -> Options:
        """The same for its core; its largest RAM and its flash are the budgets that aren't said."""
        arena, flash = self.max_arena, self.max_flash
        return replace(
            self,
            board="",
            target=target_on(board, self.target),
            max_arena=board.largest.size_bytes if arena is None else arena,
            max_flash=board.flash_bytes if flash is None else flash,
        )

    def _config(self, device: Device) -> Config:
        return Config(
            self.runtime,
            self.strip,
            frozenset(self.keep or ()),
            device,
            self._request(),
            goal=self.goal,
            route_around=self.route_around,
            io_layout=self.io_layout,
            allow_lsb=self.allow_lsb,
            narrow_outputs=self.narrow_outputs,
            tiling=make_tiling(self.tile, self.goal, self.max_slowdown, self.max_arena),
        )

    def _request(self) -> PlanRequest | None:
        """A plan takes 4 bytes of the file for each tensor."""
        usual = Plan.NONE if self.goal is Goal.FLASH else Plan.OFFLINE
        if (self.plan or usual) is Plan.NONE:
            return None
        offline = OfflineOptions(
            solve=SolveOptions(time_limit_s=self.plan_time),
            preserve_inputs=self.preserve_inputs,
            reserve_head_bytes=self.reserve_head,
            alignment=self.arena_alignment,
        )
        return PlanRequest(overlap=self.overlap.value, offline=offline)


@dataclass(frozen=True)
class Option:
    """A field of :class:`Options`: its name, the type of its value, whether it may be None."""

    name: str
    kind: type
    is_list: bool
    is_optional: bool
    default: object
    spec: Spec

    @property
    def key(self) -> str:
        """As a configuration file has it, and behind ``--``."""
        return self.name.replace("_", "-")


@cache
def options() -> Mapping[str, Option]:
    """Every field of :class:`Options` by name, in order."""
    hints = get_type_hints(Options, include_extras=True)
    table = {}
    for field in fields(Options):
        kind, spec = get_args(hints[field.name])
        members = [member for member in get_args(kind) if member is not type(None)]
        single = members[0] if members and get_origin(kind) is not tuple else kind
        is_list = get_origin(single) is tuple
        optional = type(None) in get_args(kind)
        plain = str if is_list else single
        table[field.name] = Option(field.name, plain, is_list, optional, field.default, spec)
    return table
