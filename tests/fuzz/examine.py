"""Optimizes one model in several ways, and compares each result with the original on TFLM."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from tests.fuzz.steps_rare import LACKING
from tests.support.runtime import Outputs, Runtime, RuntimeFailure
from tflopt.config import Config, Goal, Strip
from tflopt.config import Runtime as Loads
from tflopt.errors import RuleError, TfloptError, UnsupportedError, VerifyError
from tflopt.io import WriteOptions, read_bytes, write_bytes
from tflopt.ir import Model, OpCode
from tflopt.ir.clone import clone
from tflopt.ir.verify import verify
from tflopt.plan import OfflineOptions, SolveOptions
from tflopt.rules.pipeline import RULES, Selection, run_pipeline
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.target.cmsis_nn.versions import NEWEST, VERSIONS
from tflopt.target.device import Device
from tflopt.target.kernel_sets import EVERY
from tflopt.target.memory import PlanRequest
from tflopt.target.plan_check import needs_cmsis_nn
from tflopt.verify.compare import Candidate, without_plan

INVOCATIONS = 6
TARGETS = ("cortex-m55", "cortex-m4", "cortex-m0", "cortex-m85", "cortex-m33+nodsp")
OVERLAPS: tuple[str | None, ...] = (None, "", EVERY, "target", "all")
UNLIKE = tuple(rule.name for rule in RULES if not rule.alike_on_litert)
"""Rules whose forms LiteRT rounds differently from TFLM."""
ROUNDING = {rule.name for rule in RULES if not rule.exactness.bit_exact}
"""They need ``allow_lsb``."""
Bits = list[list[tuple[str, tuple[int, ...], bytes]]]


@dataclass(frozen=True)
class Combo:
    """One way to optimize; ``overlap`` None is without a plan."""

    goal: Goal = Goal.BALANCED
    target: str = TARGETS[0]
    loads: Loads = Loads.BOTH
    strip: Strip = Strip.DEFAULT
    overlap: str | None = EVERY
    disable: tuple[str, ...] = ()
    cmsis_nn: str = NEWEST.name
    allow_lsb: int = 0
    effort: float = 1.0
    """Of the planner's searches."""

    @property
    def config(self) -> Config:
        """As the pipeline takes it."""
        offline = OfflineOptions(SolveOptions(effort=self.effort))
        plan = None if self.overlap is None else PlanRequest(overlap=self.overlap, offline=offline)
        device = Device.of(self.target, self.cmsis_nn)
        return Config(
            self.loads,
            self.strip,
            device=device,
            plan=plan,
            goal=self.goal,
            allow_lsb=self.allow_lsb,
        )

    def __str__(self) -> str:
        parts = (
            self.goal.value,
            self.target,
            f"CMSIS-NN {self.cmsis_nn}",
            self.loads.value,
            f"strip {self.strip.value}",
        )
        lsb = [f"allow {self.allow_lsb} steps"] if self.allow_lsb else []
        lsb += [f"plan effort {self.effort:g}"] if self.effort != 1 else []
        plan = "no plan" if self.overlap is None else f"plan {self.overlap}"
        return " ".join((*parts, plan, *lsb))


def combos(rng: random.Random, count: int) -> list[Combo]:
    """The default, and others: every goal, core, runtime and plan meets every other in time."""
    found = [Combo()]
    while len(found) < count:
        found.append(
            Combo(
                rng.choice(list(Goal)),
                rng.choice(TARGETS),
                rng.choice(list(Loads)),
                rng.choice((Strip.DEFAULT, Strip.NONE, Strip.ALL)),
                rng.choice(OVERLAPS),
                cmsis_nn=rng.choice(VERSIONS).name,
            )
        )
    return found


@dataclass(frozen=True)
class Fault:
    """What went wrong, how the model was optimized, and details for a person."""

    kind: str
    combo: Combo
    detail: str

    def __str__(self) -> str:
        return f"{self.kind} ({self.combo}): {self.detail}"


@dataclass
class Examination:
    """What became of one model. ``discarded`` says why TFLM doesn't run the original."""

    discarded: str = ""
    refused: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    runner: str = "tflm"


@dataclass
class Examiner:
    """Examines models, one after the other, with one child process for TFLM."""

    runtime: Runtime
    litert: bool = False

    def examine(self, model: Model, ways: Sequence[Combo]) -> Examination:
        """Optimize ``model`` in each way; runs that give the same bytes are compared once."""
        result = Examination()
        subject = _Subject(model)
        result.runner = "litert" if subject.is_beyond_tflm else "tflm"
        try:
            expected = self._run(result.runner, subject.data, subject.samples)
        except RuntimeFailure as failure:
            result.discarded = _reason(failure)
            return result
        except UnsupportedError as error:
            result.discarded = error.reason
            return result
        if result.runner == "litert":
            ways = [replace(ways[0], disable=UNLIKE)]
        seen: set[bytes] = {subject.data}
        for combo in ways:
            fault = self._one(subject, combo, expected, seen, result)
            if fault is not None:
                result.faults.append(fault)
        return result

    def _one(
        self,
        subject: _Subject,
        combo: Combo,
        expected: Bits,
        seen: set[bytes],
        result: Examination,
    ) -> Fault | None:
        try:
            optimized, hits = optimize(subject.model, combo)
            data = subject.written(optimized, combo)
        except UnsupportedError as error:
            result.refused.append(error.reason)
            return None
        except (RuleError, VerifyError) as error:
            return Fault("crash", combo, f"{type(error).__name__}: {error}")
        except TfloptError as error:
            return Fault("error", combo, f"{type(error).__name__}: {error}")
        except Exception as error:
            return Fault("crash", combo, f"{type(error).__name__}: {error} {_where(error)}")
        result.hits.update(hits)
        if data in seen:
            return None
        seen.add(data)
        result.compared += 1
        rounded = bool(ROUNDING & hits.keys())
        return self._compare(subject, combo, data, expected, result.runner, rounded)

    def _compare(
        self,
        subject: _Subject,
        combo: Combo,
        data: bytes,
        expected: Bits,
        runner: str,
        rounded: bool,
    ) -> Fault | None:
        try:
            if runner == "litert":
                self._run("tflm", data, subject.samples)
            found = self._run(runner, data, subject.samples)
        except RuntimeFailure as failure:
            return Fault("does not run", combo, _reason(failure))
        if rounded:
            expected, found = _kinds(expected), _kinds(found)
        if found != expected:
            return Fault("mismatch", combo, _difference(expected, found))
        if self.litert and combo.loads is Loads.BOTH and self._litert_runs(subject.data, subject):
            try:
                self._run("litert", data, subject.samples[:1])
            except RuntimeFailure as failure:
                return Fault("litert refuses", combo, _reason(failure))
        return None

    def _litert_runs(self, data: bytes, subject: _Subject) -> bool:
        try:
            self._run("litert", data, subject.samples[:1])
        except RuntimeFailure:
            return False
        return True

    def _run(self, runner: str, data: bytes, samples: Outputs) -> Bits:
        outputs = self.runtime.run(runner, data, samples)
        return [[(o.dtype.str, o.shape, o.tobytes()) for o in sample] for sample in outputs]


class _Subject:
    """A model under examination: its bytes and its inputs."""

    def __init__(self, model: Model) -> None:
        self.data = write_bytes(model)
        self.model = read_bytes(self.data)

    @cached_property
    def samples(self) -> Outputs:
        """Inputs of invocations in a row: extremes, zero points, then random ones."""
        return make_samples(self.model, SampleOptions(INVOCATIONS, seed=1))

    @property
    def is_beyond_tflm(self) -> bool:
        """Whether it has an operator that TFLM lacks, and that a rule replaces."""
        return any(
            op.code in LACKING or (op.code is OpCode.CONCATENATION and len(op.inputs) > 10)
            for op in self.model.ops()
        )

    def written(self, optimized: Model, combo: Combo) -> bytes:
        """The file; without a plan that only the device's kernels honour."""
        data = write_bytes(optimized, WriteOptions(share=True))
        read_bytes(data)
        if combo.overlap and needs_cmsis_nn(optimized, combo.config.device):
            return without_plan(Candidate(optimized, data)).data
        return data


def optimize(model: Model, combo: Combo) -> tuple[Model, Counter[str]]:
    """An optimized copy, verified, and how often each rule fired.

    Raises:
        TfloptError: as the pipeline does.
    """
    copy = clone(model)
    trace = run_pipeline(copy, Selection(disable=combo.disable), combo.config)
    verify(copy, "the pipeline")
    return copy, trace.counts


def unstable(model: Model, combo: Combo) -> list[str]:
    """Rules that still fire on the file that the first run wrote; none where that one fails."""
    try:
        once, _ = optimize(read_bytes(write_bytes(model)), combo)
    except TfloptError:
        return []
    _, hits = optimize(read_bytes(write_bytes(once, WriteOptions(share=True))), combo)
    return sorted(hits)


def _kinds(bits: Bits) -> Bits:
    """Types and shapes alone: a rounded model may give other numbers."""
    return [[(kind, shape, b"") for kind, shape, _ in sample] for sample in bits]


def _reason(failure: RuntimeFailure) -> str:
    lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
    return " | ".join(lines[-3:])[-300:]


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ends = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames[-3:]]
    return f"at {' '.join(ends)}"


def _difference(expected: Bits, found: Bits) -> str:
    for number, (ours, theirs) in enumerate(zip(expected, found, strict=True)):
        if len(ours) != len(theirs):
            return f"{len(theirs)} outputs instead of {len(ours)}"
        for output, (one, two) in enumerate(zip(ours, theirs, strict=True)):
            if one[:2] != two[:2]:
                return f"output {output}: {one[:2]} became {two[:2]}"
            if one[2] != two[2]:
                count = sum(a != b for a, b in zip(one[2], two[2], strict=True))
                return f"invocation {number}, output {output}: {count} of {len(one[2])} bytes"
    return "nothing"
