"""Everything that decides what ``optimize`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tflopt.annotation.annotate import Annotate
from tflopt.config import Config, IoLayout, Limits, Strip
from tflopt.errors import UsageError
from tflopt.io import WriteOptions
from tflopt.rules.pipeline import Selection
from tflopt.run.samples import SampleOptions
from tflopt.target.cortex_m import Target
from tflopt.target.device import Device

if TYPE_CHECKING:
    from tflopt.run.runner import Runner
    from tflopt.target.boards import Board

DEFAULT_TARGET = "cortex-m55"


def target_on(board: Board, said: str) -> str:
    """The target of a board, which may be said beside it.

    Raises:
        UsageError: another one is said.
    """
    if said != DEFAULT_TARGET and Target.parse(said) != board.target:
        raise UsageError(f"--board {board.key} has a {board.target}, not a {said}")
    return str(board.target)


@dataclass(frozen=True)
class Settings:
    """Everything that decides what ``optimize`` does.

    Args:
        target: the core, in GCC's spelling.
        selection: which rules run.
        config: the rules' options: runtimes that must load the file, what is stripped.
        layout: how the file is laid out.
        samples: the inputs of the verification, None not to verify.
        runner: ``auto``, ``tflm``, ``litert``, or a runner on a device.
        pins: ``TENSOR=OFFSET`` each; they hold once the model is known (product.pins).
        annotate: store tflopt's annotation in the model, in a file beside it, or not at all.
        max_arena_bytes: the largest arena that is accepted.
        max_flash_bytes: the largest file that is accepted.
        max_instructions: the most predicted instructions of one inference that are accepted.
        require_verified: whether :func:`check_verdict` takes "not verified" as a failure.
        fail_on_hazard: whether it takes a layer that the device computes wrongly as one.
        effort: how long to look for something better, as a multiple of what is done by default.
    """

    selection: Selection = field(default_factory=Selection)
    config: Config = field(default_factory=Config)
    layout: WriteOptions = field(default_factory=lambda: WriteOptions(share=True))
    samples: SampleOptions | None = field(default_factory=SampleOptions)
    runner: str | Runner = "auto"
    annotate: Annotate = Annotate.METADATA
    pins: Sequence[str] = ()
    max_arena_bytes: int | None = None
    max_flash_bytes: int | None = None
    max_instructions: int | None = None
    require_verified: bool = False
    fail_on_hazard: bool = False
    effort: float = 1.0

    @property
    def annotates(self) -> bool:
        """Whether the model itself carries the annotation: not where no rule may run."""
        some_rule = self.selection.only is None or len(self.selection.only) > 0
        in_metadata = self.annotate is Annotate.METADATA and self.config.strip is not Strip.ALL
        return some_rule and in_metadata

    @property
    def rearranges(self) -> bool:
        """Whether inputs and outputs may be arranged otherwise."""
        return self.config.io_layout is not IoLayout.KEEP

    @property
    def device(self) -> Device:
        """The build that the model is optimized for."""
        return self.config.device

    @property
    def limits(self) -> Limits:
        """What the search tries to stay within: what must hold, or what the options wish for."""
        must = Limits(self.max_arena_bytes, self.max_flash_bytes, self.max_instructions)
        return must or self.config.limits
