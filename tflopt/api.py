"""The Python API: ``read``, ``optimize``, ``write``, and what the command line builds on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from tflopt.annotate import Annotate, attach, is_for_device_only, make_annotation
from tflopt.budget import check_arena, check_flash
from tflopt.check.compare import Candidate, Verification, compare, without_plan
from tflopt.check.samples import SampleOptions
from tflopt.errors import UnsupportedError, UnverifiedError
from tflopt.io import WriteOptions, write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.passes.config import Config, Strip
from tflopt.passes.pipeline import Selection, run_pipeline
from tflopt.report.facts import ModelFacts, model_facts
from tflopt.rewrite import Trace
from tflopt.target import Target
from tflopt.target.memory import Device, Memory, memory_of, why_no_memory
from tflopt.target.plan_check import needs_cmsis_nn

DEFAULT_TARGET = "cortex-m55"
OVERLAP_NOTE = (
    "without the memory plan: its overlaps follow the order in which CMSIS-NN's kernels on the "
    "target read and write, which a host's kernels don't share"
)


@dataclass(frozen=True)
class Settings:
    """Everything that decides what ``optimize`` does.

    Args:
        target: the core, in GCC's spelling.
        selection: which rules run.
        config: the rules' options: runtimes that must load the file, what is stripped.
        layout: how the file is laid out.
        samples: the inputs of the verification, None not to verify.
        runner: ``auto``, ``tflm`` or ``litert``.
        annotate: store tflopt's annotation in the model, in a file beside it, or not at all.
        max_arena_bytes: the largest arena that is accepted.
        max_flash_bytes: the largest file that is accepted.
        require_verified: whether :func:`check_verdict` takes "not verified" as a failure.
    """

    selection: Selection = field(default_factory=Selection)
    config: Config = field(default_factory=Config)
    layout: WriteOptions = field(default_factory=lambda: WriteOptions(share=True))
    samples: SampleOptions | None = field(default_factory=SampleOptions)
    runner: str = "auto"
    annotate: Annotate = Annotate.METADATA
    max_arena_bytes: int | None = None
    max_flash_bytes: int | None = None
    require_verified: bool = False

    @property
    def annotates(self) -> bool:
        """Whether the model itself carries the annotation: not where no rule may run."""
        some_rule = self.selection.only is None or len(self.selection.only) > 0
        wanted = self.annotate is Annotate.METADATA and self.config.strip is not Strip.ALL
        return some_rule and wanted

    @property
    def device(self) -> Device:
        """The build that the model is optimized for."""
        return self.config.device


@dataclass(frozen=True)
class Result:
    """What came out: the model and its bytes, what the rules did, and the verdict."""

    original: Model
    source: bytes
    model: Model
    data: bytes
    trace: Trace
    before: ModelFacts
    after: ModelFacts
    memory_before: Memory | None
    memory_after: Memory | None
    annotation: bytes
    verification: Verification | None


def optimize(
    model: Model,
    target: str = DEFAULT_TARGET,
    *,
    only: Collection[str] | None = None,
    disable: Collection[str] = (),
    config: Config | None = None,
) -> Model:
    """An optimized copy of ``model`` for ``target``; ``model`` itself is left as it is.

    Exact rules only. Nothing is verified here: :func:`optimize_file_bytes` runs both models.

    Args:
        target: a core in GCC's ``-mcpu`` spelling, for example ``cortex-m33+nodsp``.
        only: names of rules to run instead of all.
        disable: names of rules to leave out.
        config: the rules' options, with a device of their own instead of ``target``.

    Raises:
        UsageError: there is no such target or rule.
        UnsupportedError: the model can't be rewritten without loss.
    """
    device = Device(Target.parse(target))
    copy = clone(model)
    run_pipeline(copy, Selection(only, disable), config or Config(device=device))
    return copy


def optimize_file_bytes(
    original: Model,
    data: bytes,
    settings: Settings,
    progress: Callable[[str], None] = lambda _: None,
) -> Result:
    """Optimize a model that was read from ``data``, and compare both on a runner.

    Raises:
        RunnerError: no runner is installed.
        TfloptError: as :func:`optimize`.
    """
    progress("rewriting")
    model = clone(original)
    trace = run_pipeline(model, settings.selection, settings.config)
    memory = _memory(model, settings)
    annotation = b""
    if memory is not None:
        check_arena(model, memory, settings.max_arena_bytes, settings.config, original)
        annotation = make_annotation(data, model, memory, trace.counts)
    if settings.annotate is Annotate.FILE and not annotation:
        raise UnsupportedError("its memory can't be annotated; use --annotate none", "", model.path)
    annotates = bool(annotation) and settings.annotates
    if annotates:
        attach(model, annotation)
    output = write_bytes(model, settings.layout)
    check_flash(model, len(output), settings.max_flash_bytes, settings.config, annotates)
    verification = None
    if settings.samples is not None:
        progress("comparing original and optimized")
        verification = _verify(
            Candidate(original, data), Candidate(model, output, derived=True), settings, memory
        )
    return Result(
        original=original,
        source=data,
        model=model,
        data=output,
        trace=trace,
        before=model_facts(original, len(data)),
        after=model_facts(model, len(output)),
        memory_before=_memory(original, settings),
        memory_after=memory,
        annotation=annotation,
        verification=verification,
    )


def check_verdict(result: Result, settings: Settings) -> None:
    """Fail where the result must not be written.

    Raises:
        MismatchError: the models differ.
        UnverifiedError: nothing could be compared, and the settings require it.
    """
    verdict = result.verification
    if verdict is not None and verdict.mismatch is not None:
        raise verdict.mismatch
    if settings.require_verified and (verdict is None or verdict.status != "identical"):
        raise UnverifiedError("--no-verify" if verdict is None else verdict.note)


def _memory(model: Model, settings: Settings) -> Memory | None:
    """None where the model has no arena that could be computed, unless a limit asks for it."""
    if settings.max_arena_bytes is None and why_no_memory(model):
        return None
    return memory_of(model, settings.device)


def _verify(
    original: Candidate, optimized: Candidate, settings: Settings, memory: Memory | None
) -> Verification:
    """Compare with the plan in force, unless its overlaps need the device's kernels."""
    known = memory is not None
    old = known and is_for_device_only(original.model)
    new = known and needs_cmsis_nn(optimized.model, settings.device)
    verdict = compare(
        without_plan(original) if old else original,
        without_plan(optimized) if new else optimized,
        runner=settings.runner,
        options=settings.samples,
    )
    if old or new:
        return replace(verdict, note="; ".join(filter(None, [verdict.note, OVERLAP_NOTE])))
    return verdict
