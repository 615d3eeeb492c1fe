"""Runs original and optimized side by side and compares them bit for bit."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal

from tflopt.errors import MismatchError, RunnerError, UnsupportedError, UsageError, printable
from tflopt.facts.offline_plan import PLAN_NAME
from tflopt.io import write_bytes
from tflopt.ir import Model, OpCode
from tflopt.ir.clone import clone
from tflopt.plan.describe import write_plan
from tflopt.run.device_report import DeviceReport
from tflopt.run.registry import HOSTS
from tflopt.run.runner import (
    LITERT_OPTIMIZED,
    HostRunner,
    MissingOpError,
    Outcome,
    Run,
    Runner,
    Work,
    available,
)
from tflopt.run.samples import Array, Sample, SampleOptions, make_samples
from tflopt.texts import counted
from tflopt.verify.directed.cuts import cuts_of
from tflopt.verify.directed.run import drive
from tflopt.verify.interface import (
    check_interface,
    narrowed_outputs,
    rearranged_inputs,
    rearranged_outputs,
)
from tflopt.verify.layers import (
    LayerDifference,
    difference_of,
    first_difference,
    has_state,
)
from tflopt.verify.match import BY_CONTENTS, BY_ORIGIN, BY_STRUCTURE, Matches, match
from tflopt.verify.unwritten import DETECTION, written
from tflopt.verify.values import equal_matches

Status = Literal["identical", "rounded", "different", "not verified"]
"""``rounded``: identical but for rules that are not exact; ``note`` says how far off."""
Layers = Literal["always", "different", "derived"]
INTERNAL_SAMPLES = 8
MOST_PLACES = 4
STORED = (
    "not on tflm, which runs the original with the shapes that its file has for open dimensions"
)


@dataclass(frozen=True, repr=False)
class Verification:
    """The verdict. ``samples`` run in a row on one interpreter, so that state carries over.

    ``tensors`` counts the inner tensors that were compared as well, ``regions`` the parts that
    aren't the same in both models and were driven by inputs of their own; ``note`` says why a
    runner was passed over or why nothing could be verified. ``layer`` is the first inner tensor
    that differs, ``layer_note`` how tensors were matched or why none was found. ``devices`` are
    the reports of original and optimized, where they ran on one. ``default_path`` says how far
    LiteRT's default kernels take the two for different models. ``lacking`` are operators that
    runners were found to lack; ``around`` those of the original that none has, by number and
    name: what lies around them was compared. ``signatures`` are further ones, whose subgraphs were
    compared too.
    """

    status: Status
    runner: str = ""
    samples: int = 0
    seed: int = 0
    outputs: int = 0
    tensors: int = 0
    regions: int = 0
    mismatch: MismatchError | None = None
    note: str = ""
    layer: LayerDifference | None = None
    layer_note: str = ""
    default_path: str = ""
    lacking: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    devices: tuple[DeviceReport | None, DeviceReport | None] = (None, None)

    def __repr__(self) -> str:
        if self.mismatch is not None:
            return f"<Verification {self.status}: {printable(str(self.mismatch))}>"
        if not self.samples:
            return f"<Verification {self.status}: {printable(self.note)}>"
        return f"<Verification {self.status} on {self.runner}, {counted(self.samples, 'input')}>"


def where_to(verdict: Verification) -> str:
    """Up to which operators it was compared, empty where all of it was."""
    places = verdict.around
    if not places:
        return ""
    builtin = any(place.rstrip(")").rpartition("(")[2] in OpCode.__members__ for place in places)
    if len(places) == 1:
        which = "which no runner has" if builtin else "a custom one"
        return f"up to operator {places[0]}, {which}"
    shown = ", ".join(places[:MOST_PLACES])
    more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
    which = "which no runner has" if builtin else "custom ones"
    return f"up to and between operators {shown}{more}, {which}"


@dataclass(frozen=True)
class Candidate:
    """A model together with the bytes that a runtime gets.

    ``derived`` says that its values know their origins in the model it is compared with, so that
    inner tensors can be compared too; a model that was read from a file knows only its own.
    ``may_rearrange`` allows inputs and outputs in another arrangement, as origins record it,
    ``may_narrow`` int32 for int64 outputs.
    """

    model: Model
    data: bytes
    derived: bool = False
    may_rearrange: bool = False
    may_narrow: bool = False


def compare(
    original: Candidate,
    optimized: Candidate,
    *,
    runner: str | Runner = "auto",
    options: SampleOptions | None = None,
    layers: Layers = "derived",
    reference: str | Runner | None = None,
) -> Verification:
    """Compare on ``runner``; ``auto`` takes TFLM, else LiteRT's reference kernels, else its fast
    ones, which have operators that the others lack, and only a match on them counts.

    Args:
        reference: runs the original instead, to hold a device's kernels against other ones.
        layers: when inner tensors are compared too: ``always``, ``different`` outputs, or equal
            outputs of a model that was ``derived`` in this process.

    Raises:
        RunnerError: no runner is installed, or the one asked for isn't.
        UsageError: a device is named without its firmware.
    """
    options = options or SampleOptions()
    runners = _choose(runner)
    source = None if reference is None else _choose(reference)[0]
    try:
        check_interface(
            *(original.model, optimized.model),
            may_rearrange=optimized.may_rearrange,
            may_narrow=optimized.may_narrow,
        )
        samples = make_samples(original.model, options)
    except MismatchError as mismatch:
        return Verification("different", runner=mismatch.runner, mismatch=mismatch)
    except UnsupportedError as error:
        return Verification("not verified", note=error.reason)
    notes, lacking = list[str](), list[str]()
    if original.model.settled and runner == "auto" and len(runners) > 1:
        notes, runners = [STORED], [candidate for candidate in runners if candidate.name != "tflm"]
    for candidate in runners:
        pair = (source or candidate, candidate)
        job = _Comparison(pair, original, optimized, samples, layers, options.seed)
        try:
            verdict = job.verdict()
            if verdict.mismatch is not None and candidate.name == LITERT_OPTIMIZED:
                raise verdict.mismatch
            told = "; ".join(filter(None, [*notes, verdict.note]))
            return replace(verdict, seed=options.seed, note=told)
        except MismatchError as mismatch:
            if candidate.name == LITERT_OPTIMIZED:  # its kernels round otherwise for each form
                break
            return Verification("different", job.name, seed=options.seed, mismatch=mismatch)
        except (MissingOpError, RunnerError) as problem:
            lacking += [problem.op] if isinstance(problem, MissingOpError) else []
            if candidate.name != LITERT_OPTIMIZED:
                notes.append(_told(job.name, problem))
    return Verification("not verified", note="; ".join(notes), lacking=tuple(lacking))


def _told(runner: str, problem: MissingOpError | RunnerError) -> str:
    if isinstance(problem, MissingOpError):
        return f"{runner} has no operator {problem.op}"
    return f"{problem.runner}: {_what_failed(problem)}"


def _what_failed(error: RunnerError) -> str:
    return error.message().removeprefix(f"runner {error.runner}: ")


def _choose(runner: str | Runner) -> list[Runner]:
    if not isinstance(runner, str):
        return [runner]
    names = [*HOSTS, LITERT_OPTIMIZED] if runner == "auto" else [runner]
    if not set(names) <= {*HOSTS, LITERT_OPTIMIZED}:
        raise UsageError(f"runner {runner} needs a firmware image; give a DeviceRunner")
    hosts = [name for name in names if available(name)]
    if not hosts:
        what = "neither tflite-micro nor ai-edge-litert is" if runner == "auto" else "it is not"
        raise RunnerError(runner, f"{what} installed: {_how_to_verify(platform.system())}")
    return [HostRunner(name) for name in hosts]


def _how_to_verify(system: str) -> str:
    """What a user can do on an operating system; no runtime publishes a package for Windows."""
    if system == "Windows":
        return (
            "there is no package for Windows; use --no-verify here (verify=False in Python), and "
            "'tflopt validate' under Linux (WSL) or with --runner qemu"
        )
    return "pip install 'tflopt[verify]', or use --no-verify (verify=False in Python)"


@dataclass(frozen=True)
class _Comparison:
    """Two models on one runner, or each on its own."""

    runners: tuple[Runner, Runner]
    original: Candidate
    optimized: Candidate
    samples: list[Sample]
    layers: Layers
    seed: int

    @property
    def name(self) -> str:
        """Where they run."""
        first, second = (runner.name for runner in self.runners)
        return second if first == second else f"{second} (the original on {first})"

    def verdict(self) -> Verification:
        """Compare outputs, then inner tensors as far as that is wanted.

        Raises:
            MismatchError: the optimized model doesn't run, the original does.
            MissingOpError: the runner has no kernel for an operator of both.
            RunnerError: the original can't be run.
        """
        one, two = (self._work(c, self.samples) for c in (self.original, self.optimized))
        with self.runners[0].start(one) as first, self.runners[1].start(two) as second:
            expected = first.outcome()
            actual = _optimized_outcome(second, self.name)
        model, outputs = self.optimized.model, expected.outputs
        if self.optimized.may_rearrange:
            outputs = rearranged_outputs(model, outputs)
        if self.optimized.may_narrow:
            outputs = narrowed_outputs(model, outputs)
        mismatch = _first_mismatch(replace(expected, outputs=outputs), actual, model, self.name)
        verdict = Verification(
            status="identical" if mismatch is None else "different",
            runner=self.name,
            samples=len(self.samples),
            outputs=len(self.original.model.main.outputs),
            mismatch=mismatch,
        )
        verdict = replace(verdict, devices=(expected.device, actual.device))
        verdict = self._with_layers(verdict) if self._wants_layers(verdict) else verdict
        return self._with_directed(verdict) if self._may_direct(verdict) else verdict

    def _work(self, candidate: Candidate, samples: list[Sample]) -> Work:
        """The samples are those of the original; another arrangement of inputs needs others."""
        if candidate.may_rearrange:
            samples = rearranged_inputs(candidate.model, samples)
        return Work(candidate.model, candidate.data, samples)

    @cached_property
    def matches(self) -> Matches:
        """The inner tensors that correspond, but for those that are written in part."""
        one, two = self.original.model, self.optimized.model
        matches = match(one, two, derived=self.optimized.derived)
        whole = tuple(pair for pair in matches.pairs if pair.operator != DETECTION)
        return replace(matches, pairs=whole)

    def _wants_layers(self, verdict: Verification) -> bool:
        if self.layers == "derived":
            return verdict.mismatch is None and self.optimized.derived
        return self.layers == "always" or verdict.mismatch is not None

    def _with_layers(self, verdict: Verification) -> Verification:
        """Outputs are a weak witness: saturation hides faults, so compare what lies between."""
        if not self.matches.pairs:
            return replace(verdict, layer_note="no inner tensor could be matched")
        numbers = self._inner_samples(verdict)
        try:
            matches = self._likely_matches(verdict)
            layer = first_difference(self.runners, *self._works(numbers), matches.pairs)
        except (RunnerError, MissingOpError) as error:
            return replace(verdict, layer_note=f"inner tensors can't be compared: {error}")
        count, note = len(matches.pairs), f"matched by {matches.how}"
        if layer is None:
            are = "is" if count == 1 else "are"
            same = f"{counted(count, 'inner tensor')} {are} equal when run without a memory plan"
            told = note if verdict.mismatch is None else same
            return replace(verdict, tensors=count, layer_note=told)
        layer = replace(layer, sample=numbers[layer.sample])
        mismatch = verdict.mismatch or _inner_mismatch(layer.name, layer, verdict.runner)
        verdict = replace(verdict, layer=layer, layer_note=note)
        return replace(verdict, status="different", tensors=count, mismatch=mismatch)

    def _works(self, numbers: Sequence[int]) -> tuple[Work, Work]:
        """Both models without a memory plan, on some of the samples."""
        samples = [self.samples[number] for number in numbers]
        one, two = map(without_plan, (self.original, self.optimized))
        return self._work(one, samples), self._work(two, samples)

    def _may_direct(self, verdict: Verification) -> bool:
        """Only TFLM's kernels: rules that are exact on them alone may fire."""
        return verdict.mismatch is None and {runner.name for runner in self.runners} == {"tflm"}

    def _with_directed(self, verdict: Verification) -> Verification:
        """Drive each part that differs by inputs that meet the steps of its arithmetic."""
        one, two = self.original.model, self.optimized.model
        cuts = partial(cuts_of, one, two, rearranged=self.optimized.may_rearrange)
        try:
            same = self.matches.how == BY_STRUCTURE and not cuts(self.matches).regions
            matches = self.matches if same else self._sure_matches(verdict)
            driven = drive(self.runners[0], one, cuts(matches), self.samples, self.seed)
        except (RunnerError, MissingOpError) as error:
            return replace(verdict, note=f"directed inputs can't be run: {error}")
        verdict = replace(verdict, regions=driven.regions)
        if driven.finding is None:
            return verdict
        layer = driven.finding.layer(two)
        mismatch = _inner_mismatch(f"{layer.name} on directed inputs", layer, self.name)
        return replace(verdict, status="different", layer=layer, mismatch=mismatch)

    def _likely_matches(self, verdict: Verification) -> Matches:
        """Where outputs are equal, likely matches that differ don't correspond after all."""
        likely = self.matches.how == BY_CONTENTS and verdict.mismatch is None
        return self._sure_matches(verdict) if likely else self.matches

    def _sure_matches(self, verdict: Verification) -> Matches:
        """The matches by the rewriter's record; of others those that are equal on samples, too."""
        if self.matches.how == BY_ORIGIN:
            return self.matches
        return equal_matches(self.runners, *self._works(self._inner_samples(verdict)), self.matches)

    def _inner_samples(self, verdict: Verification) -> Sequence[int]:
        """Their numbers: a few, or what shows the mismatch, with all before where state counts."""
        count = len(self.samples)
        if verdict.mismatch is None:
            return range(0, count, max(1, count // INTERNAL_SAMPLES))
        last = verdict.mismatch.sample
        return range(0 if has_state(self.original.model) else last, last + 1)


def _inner_mismatch(what: str, layer: LayerDifference, runner: str) -> MismatchError:
    difference = layer.difference
    numbers = difference.first_index, difference.count, difference.max_diff
    return MismatchError(f"inner tensor {what}", *numbers, runner, layer.sample)


def _optimized_outcome(job: Run, runner: str) -> Outcome:
    """The original runs, so a runner that fails on the optimized model shows a difference."""
    try:
        return job.outcome()
    except MissingOpError as missing:
        reason = f"the optimized model has operator {missing.op}, which the runner lacks"
    except RunnerError as error:
        reason = f"the optimized model does not run: {_what_failed(error)}"
    raise MismatchError(reason, (), 0, 0.0, runner)


def _first_mismatch(
    expected: Outcome, actual: Outcome, model: Model, runner: str
) -> MismatchError | None:
    for sample, (ours, theirs) in enumerate(zip(expected.outputs, actual.outputs, strict=True)):
        pairs = zip(written(model, ours), written(model, theirs), strict=True)
        for number, (one, two) in enumerate(pairs):
            if one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes():
                continue
            name = model.main.outputs[number].name or ""
            return _describe(f"output {number} ({name})", one, two, runner, sample)
    return None


def _describe(output: str, one: Array, two: Array, runner: str, sample: int) -> MismatchError:
    if one.shape != two.shape or one.dtype != two.dtype:
        return MismatchError(f"{output}: shape or type", (), one.size, 0.0, runner, sample)
    delta = difference_of(one, two)
    assert delta is not None
    return MismatchError(output, delta.first_index, delta.count, delta.max_diff, runner, sample)


def without_plan(candidate: Candidate) -> Candidate:
    """The same model without an offline memory plan, which not every run can honour."""
    if all(entry.name != PLAN_NAME for entry in candidate.model.metadata or ()):
        return candidate
    model = clone(candidate.model)
    write_plan(model, None)
    return replace(candidate, model=model, data=write_bytes(model))
