"""The errors that users see: each is a dataclass with fields and a documented exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tflopt.texts import counted
from tflopt.texts import printable as printable

EXIT_OK = 0
EXIT_CHECK_FAILED = 1
EXIT_USAGE = 2
EXIT_INVALID = 3
EXIT_RUNNER = 4
EXIT_SIGNAL = 128
"""Plus the number of the signal, as shells count."""


def system_reason(error: BaseException) -> str:
    """One line for what the system refused: the file, and why."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        name = error.filename
        return f"{os.fsdecode(name) if isinstance(name, bytes) else name}: {error.strerror}"
    return str(error) or type(error).__name__


class TfloptError(Exception):
    """Base of everything tflopt raises on purpose; ``exit_code`` is what the CLI returns."""

    exit_code: ClassVar[int] = EXIT_INVALID

    def __str__(self) -> str:
        return self.message()

    def message(self) -> str:
        """One line for the user: what is wrong, where, and what to do."""
        return type(self).__name__


@dataclass(eq=False)
class PlacedError(TfloptError):
    """Something is wrong with a model: ``reason``, at ``where`` in the file ``path``."""

    reason: str
    where: str = ""
    path: str = ""

    def message(self) -> str:
        """``path: where: reason`` without the parts that are unknown."""
        return ": ".join(part for part in (self.path, self.where, self.reason) if part)


class ModelError(PlacedError):
    """The model file is broken: ``where`` names the place, ``reason`` what is wrong there."""


class UnsupportedError(PlacedError):
    """The model is valid, but uses something that tflopt can't carry over without loss."""


@dataclass(eq=False)
class UsageError(TfloptError):
    """The command line or an argument of the API makes no sense."""

    exit_code: ClassVar[int] = EXIT_USAGE
    reason: str

    def message(self) -> str:
        """The reason alone."""
        return self.reason


@dataclass(eq=False)
class VerifyError(TfloptError):
    """The IR is inconsistent after ``pass_name``: a defect of tflopt, never of the model."""

    reason: str
    pass_name: str = ""
    op: str = ""

    def message(self) -> str:
        """Names the pass and the operator, and asks for a report."""
        at = f" at {self.op}" if self.op else ""
        return f"internal: after {self.pass_name or 'an edit'}{at}: {self.reason}; please report it"


@dataclass(eq=False)
class RuleError(TfloptError):
    """A rule broke the rules of rewriting (for example declined after an edit): our defect."""

    reason: str
    rule: str = ""

    def message(self) -> str:
        """Names the rule, and asks for a report."""
        return f"internal: rule {self.rule}: {self.reason}; --disable {self.rule} avoids it"


@dataclass(eq=False)
class BudgetError(TfloptError):
    """More bytes than the limit allows, who takes them, and what would help."""

    exit_code: ClassVar[int] = EXIT_CHECK_FAILED
    subject: ClassVar[str] = "needs"
    relation: ClassVar[str] = "culprits"
    need_bytes: int
    limit_bytes: int
    culprits: Sequence[str] = ()
    hint: str = ""

    def message(self) -> str:
        """How many bytes it is over, where they are, and what would help."""
        over = self.need_bytes - self.limit_bytes
        text = f"{self.subject} {self.need_bytes:,} bytes, {over:,} more than the limit of "
        text += f"{self.limit_bytes:,}"
        text += f"; {self.relation}: {', '.join(self.culprits)}" if self.culprits else ""
        return text + (f"; {self.hint}" if self.hint else "")


class PlanError(BudgetError):
    """No plan fits: ``need_bytes`` against ``limit_bytes``, and a smallest set of culprits."""

    relation: ClassVar[str] = "live together"


class ArenaError(PlanError):
    """The arena is over its budget; ``culprits`` are what is live where it is largest."""

    subject: ClassVar[str] = "the arena needs"


class FlashError(BudgetError):
    """The file is over its budget; ``culprits`` are what takes most of it."""

    subject: ClassVar[str] = "the file takes"
    relation: ClassVar[str] = "largest"


@dataclass(eq=False)
class InstructionsError(TfloptError):
    """One inference takes more predicted instructions than the limit allows."""

    exit_code: ClassVar[int] = EXIT_CHECK_FAILED
    need: int
    limit: int
    culprits: Sequence[str] = ()
    hint: str = ""

    def message(self) -> str:
        """By how much it is over, which operators take most, and what would help."""
        text = f"one inference takes {self.need:,} instructions (predicted), "
        text += f"{self.need - self.limit:,} more than the limit of {self.limit:,}"
        text += f"; most in: {', '.join(self.culprits)}" if self.culprits else ""
        return text + (f"; {self.hint}" if self.hint else "")


@dataclass(eq=False)
class UnverifiedError(TfloptError):
    """The model could not be verified although that is required; nothing was written."""

    exit_code: ClassVar[int] = EXIT_CHECK_FAILED
    reason: str

    def message(self) -> str:
        """Why not."""
        return f"not verified, but --require-verified asks for it: {self.reason}"


@dataclass(eq=False)
class HazardError(TfloptError):
    """The device computes layers wrongly, and that is not accepted; ``layers`` names them."""

    exit_code: ClassVar[int] = EXIT_CHECK_FAILED
    layers: Sequence[str]

    def message(self) -> str:
        """Which layers, and where to read on."""
        return (
            f"the device computes {counted(len(self.layers), 'layer')} wrongly: "
            f"{'; '.join(self.layers)} "
            "(inspect --hazards tells more)"
        )


@dataclass(eq=False)
class RefusedError(TfloptError):
    """TFLM doesn't run the model, and that is not accepted; ``reasons`` says why."""

    exit_code: ClassVar[int] = EXIT_CHECK_FAILED
    reasons: Sequence[str]

    def message(self) -> str:
        """The first reason, and where to read on."""
        more = f" (and {len(self.reasons) - 1} more)" if len(self.reasons) > 1 else ""
        return f"TFLM can't run the result: {self.reasons[0]}{more}; inspect --runs tells more"


@dataclass(eq=False)
class RunnerError(TfloptError):
    """A runner or tool is missing or failed; ``log_tail`` holds the last lines it printed."""

    exit_code: ClassVar[int] = EXIT_RUNNER
    runner: str
    reason: str
    log_tail: str = ""

    def message(self) -> str:
        """Names the runner, the reason and the end of its log."""
        tail = f" (last output: {self.log_tail.strip()})" if self.log_tail.strip() else ""
        return f"runner {self.runner}: {self.reason}{tail}"


@dataclass(eq=False)
class MismatchError(TfloptError):
    """Original and optimized differ on a runner; nothing was written."""

    exit_code: ClassVar[int] = EXIT_CHECK_FAILED
    output: str
    first_index: tuple[int, ...]
    count: int
    max_diff: float
    runner: str = ""
    sample: int = 0

    def message(self) -> str:
        """The first output and index that differ, how many, and by how much."""
        where = f"outputs differ on {self.runner}" if self.runner else "outputs differ"
        if not self.first_index and not self.max_diff:
            return f"{where}: {self.output}"
        return (
            f"{where}: {self.output} at {list(self.first_index)} of sample {self.sample}; "
            f"{counted(self.count, 'element')}, at most {self.max_diff:g}"
        )
