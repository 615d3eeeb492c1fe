"""The Python API: ``read``, ``optimize``, ``write``, and what the command line builds on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from tflopt.annotation.annotate import Annotate
from tflopt.config import Config
from tflopt.errors import HazardError, ModelError, RefusedError, UnsupportedError, UnverifiedError
from tflopt.facts.sound.unsound import unsound
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.product.budget import check_arena, check_flash, check_instructions
from tflopt.product.choose import Draft, choose
from tflopt.product.facts import ModelFacts, model_facts
from tflopt.product.settings import DEFAULT_TARGET as DEFAULT_TARGET
from tflopt.product.settings import Settings as Settings
from tflopt.rewrite import Trace
from tflopt.rewrite.watch import Event, Moment, Watch, in_turn, verify_runs
from tflopt.rules.course import Course
from tflopt.rules.pipeline import RULES, Selection, run_pipeline
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.hazards import HazardFinding, find_hazards
from tflopt.target.memory import Memory
from tflopt.target.runs import Kernels, find_refusals

if TYPE_CHECKING:
    from tflopt.verify.compare import Verification


@dataclass(frozen=True, repr=False)
class Result:
    """What came out: the model and its bytes, what the rules did, and the verdict.

    ``hazards`` are the layers of the original that the device computes wrongly, ``hazards_left``
    those of the result. ``annotates``: the model carries the annotation itself. ``course``: the way
    to it.
    """

    original: Model
    source: bytes
    model: Model
    data: bytes
    trace: Trace
    memory_before: Memory | None
    memory_after: Memory | None
    annotation: bytes
    verification: Verification | None
    annotates: bool = False
    hazards: Sequence[HazardFinding] = ()
    hazards_left: Sequence[HazardFinding] = ()
    course: Course | None = None

    @cached_property
    def before(self) -> ModelFacts:
        """Totals of the original."""
        return model_facts(self.original, len(self.source))

    @cached_property
    def after(self) -> ModelFacts:
        """Totals of the result."""
        return model_facts(self.model, len(self.data))

    def __repr__(self) -> str:
        return f"<Result {len(self.source):,} -> {len(self.data):,} bytes, {self.trace!r}>"


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
        ModelError: a constant that was computed shows that no runtime would run it.
        UnsupportedError: the model can't be rewritten without loss.
    """
    device = Device(Target.parse(target))
    copy = clone(model)
    run_pipeline(copy, Selection(only, disable), config or Config(device=device))
    _check_sound(copy)
    return copy


def _check_sound(model: Model) -> None:
    """Refuse what no runtime would run: computed constants may show what couldn't be seen before,
    such as an order of axes that is none.

    Raises:
        ModelError: names the operator as it stands in the result.
    """
    for flaw in unsound(model):
        reason = f"{flaw.reason}, as shows once its constants are computed"
        raise ModelError(reason, f"optimized: {flaw.where}", model.path)


def optimize_file_bytes(
    original: Model,
    data: bytes,
    settings: Settings,
    progress: Callable[[str], None] = lambda _: None,
    watch: Watch = verify_runs,
) -> Result:
    """Optimize a model that was read from ``data``, and compare both on a runner.

    Where only LiteRT runs the model and they differ, rules whose forms it rounds differently from
    TFLM are left out, and both are compared again.

    Args:
        progress: is told in a word what is done next.
        watch: is told of every change that a rule makes, and of every phase.

    Raises:
        RunnerError: no runner is installed.
        TfloptError: as :func:`optimize`.
    """
    result = _optimize(original, data, settings, progress, watch)
    verdict = result.verification
    if verdict is None or verdict.mismatch is None or verdict.runner != "litert":
        return result
    unlike, counts = [rule.name for rule in RULES if not rule.alike_on_litert], result.trace.counts
    fired = [name for name in unlike if name in counts]
    if not fired:
        return result
    selection = replace(settings.selection, disable={*settings.selection.disable, *unlike})
    again = _optimize(original, data, replace(settings, selection=selection), progress, watch)
    if again.verification is None or again.verification.status != "identical":
        return result
    left_out = f"left out, as LiteRT rounds differently from TFLM: {', '.join(fired)}"
    note = "; ".join(filter(None, [again.verification.note, left_out]))
    return replace(again, verification=replace(again.verification, note=note))


def _optimize(
    original: Model,
    data: bytes,
    settings: Settings,
    progress: Callable[[str], None],
    watch: Watch,
) -> Result:
    watches = in_turn((watch, lambda event: _tell(event, progress)))
    draft = choose(original, data, settings, progress, watches)
    model, trace, memory = draft.model, draft.trace, draft.memory
    _check_sound(model)
    check_instructions(model, settings.config, settings.max_instructions, draft.results)
    if memory is not None:
        limit, config = settings.max_arena_bytes, settings.config
        check_arena(model, memory, limit, config, original, draft.results)
    if settings.annotate is Annotate.FILE and not draft.annotation:
        raise UnsupportedError("its memory can't be annotated; use --annotate none", "", model.path)
    output, limit, config = draft.data, settings.max_flash_bytes, settings.config
    check_flash(model, len(output), limit, config, draft.annotates, draft.results)
    settings = draft.settings
    verification = None
    if settings.samples is not None:
        progress("comparing original and optimized")
        verification = _verified((original, data), draft)
    return Result(
        original=original,
        source=data,
        model=model,
        data=output,
        trace=trace,
        memory_before=draft.memory_before,
        memory_after=memory,
        annotation=draft.annotation,
        verification=verification,
        annotates=draft.annotates,
        hazards=find_hazards(original, settings.device),
        hazards_left=find_hazards(model, settings.device),
        course=draft.course,
    )


def _verified(original: tuple[Model, bytes], draft: Draft) -> Verification:
    """The verdict on a draft; what compares and runs models is loaded only for it."""
    from tflopt.product.verification import verify
    from tflopt.verify.compare import Candidate

    settings = draft.settings
    second = Candidate(
        *(draft.model, draft.data),
        derived=True,
        may_rearrange=settings.rearranges,
        may_narrow=settings.config.narrow_outputs,
    )
    return verify(Candidate(*original), second, settings, draft.trace)


def _tell(event: Event, progress: Callable[[str], None]) -> None:
    if event.moment is Moment.SAID:
        progress(event.name)


def check_verdict(result: Result, settings: Settings) -> None:
    """Fail where the result must not be written.

    Raises:
        MismatchError: the models differ.
        UnverifiedError: nothing could be compared, and the settings require it.
        HazardError: the device computes a layer wrongly, and the settings forbid it.
        RefusedError: TFLM can't run it, and the settings forbid it or require a proof.
    """
    refused = find_refusals(result.model, settings.device)
    lacking = [refusal for refusal in refused if refusal.kernels is Kernels.TFLM]
    fatal = refused if settings.fail_on_hazard else lacking if settings.require_verified else []
    if fatal:
        raise RefusedError([str(refusal) for refusal in fatal])
    if settings.fail_on_hazard and result.hazards_left:
        raise HazardError(
            [f"{finding.where}: {finding.hazard.name}" for finding in result.hazards_left]
        )
    verdict = result.verification
    if verdict is not None and verdict.mismatch is not None:
        raise verdict.mismatch
    passed = verdict is not None and verdict.status in ("identical", "rounded")
    if settings.require_verified and not passed:
        raise UnverifiedError("--no-verify" if verdict is None else verdict.note)
    if settings.require_verified and verdict is not None and verdict.around:
        from tflopt.verify.compare import where_to

        raise UnverifiedError(f"{verdict.status} {where_to(verdict)}, which no runner has")
