"""Optimize each model in memory and hold it against its budgets; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tflopt.errors import EXIT_OK, EXIT_RUNNER, TfloptError, UnsupportedError, system_reason
from tflopt.gate.config import Entry
from tflopt.io.files import load
from tflopt.product.budget import check_arena, check_flash, check_instructions
from tflopt.product.optimize import Result, Settings, check_verdict, optimize_file_bytes
from tflopt.product.pins import with_pins
from tflopt.target.cost import predict_model


@dataclass(frozen=True)
class Finding:
    """One budget or check of one model: what it needs of what limit, and the failure if any.

    ``need`` and ``limit`` are bytes, or instructions for the check of that name.
    """

    check: str
    need: int | None = None
    limit: int | None = None
    failure: str = ""
    exit_code: int = EXIT_OK


@dataclass(frozen=True)
class Verdict:
    """What became of one model; ``status`` is that of the verification."""

    name: str
    status: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 where everything passed, else the worst."""
        return max((finding.exit_code for finding in self.findings), default=EXIT_OK)


def worst(verdicts: Iterable[Verdict]) -> int:
    """The exit code of all together."""
    return max((verdict.exit_code for verdict in verdicts), default=EXIT_OK)


def run_entry(entry: Entry) -> Verdict:
    """Check one model; all of its budgets, also after the first that fails."""
    settings = entry.settings
    free = replace(settings, max_arena_bytes=None, max_flash_bytes=None, max_instructions=None)
    free = replace(free, config=replace(settings.config, limits=settings.limits))
    try:
        original, data = load(entry.path)
        result = optimize_file_bytes(original, data, with_pins(free, original))
    except TfloptError as error:
        return failed(entry, str(error), error.exit_code)
    except (OSError, MemoryError, RecursionError) as error:
        return failed(entry, system_reason(error), EXIT_RUNNER)
    except Exception as error:
        text = f"internal: {type(error).__name__}: {error}; please report it"
        return failed(entry, text, EXIT_RUNNER)
    status = "skipped" if result.verification is None else result.verification.status
    findings = (
        *(_outputs(result, settings), _flash(result, settings), _arena(result, settings)),
        *_instructions(result, settings),
    )
    return Verdict(entry.name, status, findings)


def failed(entry: Entry, reason: str, exit_code: int = EXIT_RUNNER) -> Verdict:
    """The verdict of a model that could not be optimized at all."""
    return Verdict(entry.name, "failed", (Finding("optimize", None, None, reason, exit_code),))


def _outputs(result: Result, settings: Settings) -> Finding:
    return _judged(Finding("outputs"), lambda: check_verdict(result, settings))


def _flash(result: Result, settings: Settings) -> Finding:
    size, limit = len(result.data), settings.max_flash_bytes
    return _judged(
        Finding("flash", size, limit),
        lambda: check_flash(result.model, size, limit, settings.config, result.annotates),
    )


def _arena(result: Result, settings: Settings) -> Finding:
    limit, memory = settings.max_arena_bytes, result.memory_after
    if memory is None:
        unknown = UnsupportedError("the arena can't be computed")
        return _judged(Finding("arena", None, limit), lambda: _raise(unknown, limit))
    need = None if memory.unknown else memory.arena.minimum_bytes
    return _judged(
        Finding("arena", need, limit),
        lambda: check_arena(result.model, memory, limit, settings.config, result.original),
    )


def _instructions(result: Result, settings: Settings) -> list[Finding]:
    """The budget of instructions, where there is one."""
    limit, config = settings.max_instructions, settings.config
    if limit is None:
        return []
    need = predict_model(result.model, config.device).instructions
    finding = Finding("instructions", need, limit)
    return [_judged(finding, lambda: check_instructions(result.model, config, limit))]


def _raise(error: TfloptError, limit: int | None) -> None:
    if limit is not None:
        raise error


def _judged(finding: Finding, check: Callable[[], None]) -> Finding:
    try:
        check()
    except TfloptError as error:
        return replace(finding, failure=str(error), exit_code=error.exit_code)
    return finding
