"""The policy of verification: what is compared after an optimization, with which plans, on what."""

from __future__ import annotations

from dataclasses import replace

from tflopt.annotation.annotate import is_for_device_only
from tflopt.config import Config, Runtime
from tflopt.io import write_bytes
from tflopt.ir.clone import clone
from tflopt.product.choose import memory_within
from tflopt.product.settings import Settings
from tflopt.product.validation import compare_in_force
from tflopt.rewrite import Stage, Trace
from tflopt.rules.pipeline import RULES, find_rule, run_pipeline
from tflopt.run.samples import SampleOptions
from tflopt.run.shared import sharing
from tflopt.target.plan_check import needs_cmsis_nn
from tflopt.verify.compare import Candidate, Verification
from tflopt.verify.default_path import compare_on_default_path
from tflopt.verify.loading import with_loading
from tflopt.verify.rounding import with_measure

TIDY = {Stage.STRIP, Stage.CLEAN, Stage.STALE, Stage.PLAN, Stage.ORDER}
"""Of rules that leave every operator's kernel and numbers as they are."""


def verify(
    original: Candidate, optimized: Candidate, settings: Settings, trace: Trace
) -> Verification:
    """Compare a model with what ``optimize`` made of it.

    On the runner of the settings; where both runtimes must load the file, LiteRT loads it too,
    and its default path is measured. Where rules rounded, what they did is measured apart.
    """
    with sharing():
        verdict = _loaded(original, optimized, settings, trace)
        return _with_default_path(verdict, (original, optimized), settings, trace)


def _with_default_path(
    verdict: Verification, pair: tuple[Candidate, Candidate], settings: Settings, trace: Trace
) -> Verification:
    """With what LiteRT's default path makes of it, where LiteRT is to load the file.

    Not measured where nothing but names, tables and places changed: biases keep what it needs.
    """
    changed = any(not TIDY & set(find_rule(name).stages) for name in trace.counts)
    asks_both = settings.config.runtime is Runtime.BOTH and settings.runner == "auto"
    other_ports = settings.rearranges or settings.config.narrow_outputs
    if not (changed and asks_both and verdict.status == "identical") or other_ports:
        return verdict
    told = compare_on_default_path(*pair, verdict.seed)
    return replace(verdict, default_path=told + (_by_whom(trace) if told else ""))


def _by_whom(trace: Trace) -> str:
    """The rules that fired whose forms are rounded otherwise there, and how to do without."""
    fired = [rule for rule in RULES if rule.name in trace.counts]
    unlike = [
        rule.name for rule in fired if not (rule.alike_on_litert and rule.alike_on_default_path)
    ]
    options = " ".join(f"--disable {name}" for name in unlike)
    return f" {options} keeps what it gave." if unlike else ""


def _loaded(
    original: Candidate, optimized: Candidate, settings: Settings, trace: Trace
) -> Verification:
    """Compare, and load the result in LiteRT where both runtimes must."""
    if settings.config.runtime is not Runtime.BOTH:
        verdict = _verify_rounded(original, optimized, settings, trace)
        return _without_stand_in(verdict, original, optimized, settings, trace)
    return with_loading(
        lambda: _verify_rounded(original, optimized, settings, trace), original, optimized
    )


def _without_stand_in(
    verdict: Verification,
    original: Candidate,
    optimized: Candidate,
    settings: Settings,
    trace: Trace,
) -> Verification:
    """LiteRT stands in where TFLM doesn't run the original; what is for TFLM alone fails on it.

    That says nothing, so all but those rules is compared, and the file itself isn't verified.
    """
    both = replace(settings.config, runtime=Runtime.BOTH)
    alone = [
        rule.name for rule in RULES if rule.name in trace.counts and not type(rule).suits(both)
    ]
    stood_in = verdict.runner.startswith("litert")
    if not (alone and stood_in and verdict.status == "different"):
        return verdict
    compared = _verify(original, _made_with(both, original, optimized, settings), settings)
    if compared.status != "identical":
        return verdict
    told = f"TFLM doesn't run the original, and LiteRT isn't for what {', '.join(alone)} writes;"
    told += f" the result without it is identical on {compared.runner}"
    return Verification("not verified", note=told, seed=verdict.seed)


def _verify_rounded(
    original: Candidate, optimized: Candidate, settings: Settings, trace: Trace
) -> Verification:
    """Compare; where islands were rounded, compare without these and measure with them."""
    rough = {rule.name for rule in RULES if not rule.exactness.bit_exact}
    if not rough & trace.counts.keys():
        return _verify(original, optimized, settings)
    exact = _made_with(replace(settings.config, allow_lsb=0), original, optimized, settings)
    verdict = _verify(original, exact, settings)
    return with_measure(verdict, original, optimized, settings.samples or SampleOptions())


def _made_with(
    config: Config, original: Candidate, optimized: Candidate, settings: Settings
) -> Candidate:
    """The result once more, with other options."""
    model = clone(original.model)
    run_pipeline(model, settings.selection, config)
    return replace(optimized, model=model, data=write_bytes(model, settings.layout))


def _verify(original: Candidate, optimized: Candidate, settings: Settings) -> Verification:
    """Compare with the plan in force, unless its overlaps need the device's kernels."""
    known = memory_within(optimized.model, settings) is not None
    old = known and is_for_device_only(original.model)
    new = known and needs_cmsis_nn(optimized.model, settings.device)
    return compare_in_force(
        original, optimized, (old, new), runner=settings.runner, options=settings.samples
    )
