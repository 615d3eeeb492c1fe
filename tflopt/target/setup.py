"""What a firmware was built from: TFLM's version, the compiler, and what it was optimized for."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.errors import UsageError
from tflopt.facts.accepted_before import BEFORE_90B983C, NOTHING, Lacks
from tflopt.target.cortex_m import Isa
from tflopt.target.snapshots import SNAPSHOTS, find_snapshot
from tflopt.texts import near_match


@dataclass(frozen=True)
class Runtime:
    """One version of TFLM, and the facts that differ between versions.

    Attributes:
        name: what ``--tflm`` takes: a commit of tflite-micro.
        cmsis_nn: the version of CMSIS-NN that is taken with it where none is named.
        reductions_keep_indices: MEAN, SUM and the like ask for scratch for their indices, too
            (``reduce_common.cc``); before, they had arrays on the stack and at most 2 axes.
        resizes_at_pixel_centers: RESIZE_NEAREST_NEIGHBOR heeds ``half_pixel_centers``.
        pools_all_batches: CMSIS-NN's pooling is called with the batches of the input, not with 1.
        extends_ranks: CMSIS-NN's MAXIMUM, MINIMUM and PAD take tensors of any rank up to 4; before,
            MAXIMUM and MINIMUM computed one element of a vector, and PAD read past its dimensions.
        sums_need_constant_bias: FULLY_CONNECTED keeps its kernel sums only where the bias is
            constant, too; before, constant weights were enough.
        lacks: operators, types and shapes that the newest version runs and this one doesn't.
    """

    name: str
    date: str
    cmsis_nn: str
    note: str
    reductions_keep_indices: bool = True
    resizes_at_pixel_centers: bool = True
    pools_all_batches: bool = True
    extends_ranks: bool = True
    sums_need_constant_bias: bool = True
    lacks: Lacks = NOTHING

    def __str__(self) -> str:
        return f"TFLM {self.name}"


TFLM_3B20912 = Runtime(
    "3b20912",
    "2025-08-25",
    "e096196",
    "a year older",
    reductions_keep_indices=False,
    resizes_at_pixel_centers=False,
    pools_all_batches=False,
    extends_ranks=False,
    sums_need_constant_bias=False,
    lacks=BEFORE_90B983C,
)
TFLM_90B983C = Runtime("90b983c", "2026-08-20", "99f736a", "newest known")
RUNTIMES = (TFLM_3B20912, TFLM_90B983C)
NEWEST_RUNTIME = TFLM_90B983C


def find_runtime(text: str) -> Runtime:
    """The version that ``text`` names, also by a longer hash, or by a vendor whose copy is nearest.

    Raises:
        UsageError: unknown; the message lists the known versions.
    """
    snapshot = find_snapshot(text)
    name = text.strip().lower() if snapshot is None else snapshot.runtime
    for runtime in RUNTIMES:
        if name.startswith(runtime.name):
            return runtime
    near = near_match(name, (runtime.name for runtime in RUNTIMES))
    hint = f"; {near}" if near else ""
    known = ", ".join(f"{runtime.name} ({runtime.note})" for runtime in RUNTIMES)
    copies = ", ".join(snapshot.name for snapshot in SNAPSHOTS)
    raise UsageError(
        f"unknown TFLM version {text!r}{hint} (known: {known}; vendors' copies: {copies})"
    )


@dataclass(frozen=True)
class Build:
    """How the library was compiled, as far as it decides functions and sizes.

    Attributes:
        for_size: ``KERNELS_OPTIMIZED_FOR_SIZE``: kernel sums are computed in every invocation,
            into scratch.
        armclang: Arm's compiler, for which CMSIS-NN takes other functions than for GCC.
    """

    for_size: bool = False
    armclang: bool = False

    def __str__(self) -> str:
        goal = "size" if self.for_size else "speed"
        return f"{goal},armclang" if self.armclang else goal

    @classmethod
    def parse(cls, text: str) -> Build:
        """The build that ``--build`` names: ``speed`` or ``size``, and perhaps ``,armclang``.

        Raises:
            UsageError: another word, or both goals.
        """
        words = [word.strip().lower() for word in text.split(",")]
        unknown = set(words) - {"speed", "size", "gcc", "armclang"}
        if unknown or {"speed", "size"} <= set(words) or {"gcc", "armclang"} <= set(words):
            raise UsageError(
                f"unknown build {text!r} (known: speed, size, each with ,armclang where Arm's "
                "compiler is used)"
            )
        return cls("size" in words, "armclang" in words)


FOR_SPEED = Build()


@dataclass(frozen=True)
class Setup:
    """What a kernel library needs to know to choose a function and its memory."""

    isa: Isa
    build: Build = FOR_SPEED
    runtime: Runtime = NEWEST_RUNTIME
