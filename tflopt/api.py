"""The Python API: ``read``, ``optimize``, ``write``, and what the command line builds on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from tflopt.check.compare import Candidate, Verification, compare
from tflopt.check.samples import SampleOptions
from tflopt.io import WriteOptions, write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.passes.config import Config
from tflopt.passes.pipeline import Selection, run_pipeline
from tflopt.report.facts import ModelFacts, model_facts
from tflopt.rewrite import Trace
from tflopt.target import Target

DEFAULT_TARGET = "cortex-m55"


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
    """

    target: Target = field(default_factory=lambda: Target.parse(DEFAULT_TARGET))
    selection: Selection = field(default_factory=Selection)
    config: Config = field(default_factory=Config)
    layout: WriteOptions = field(default_factory=lambda: WriteOptions(share=True))
    samples: SampleOptions | None = field(default_factory=SampleOptions)
    runner: str = "auto"


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
        config: the rules' options.

    Raises:
        UsageError: there is no such target or rule.
        UnsupportedError: the model can't be rewritten without loss.
    """
    Target.parse(target)
    copy = clone(model)
    run_pipeline(copy, Selection(only, disable), config)
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
    output = write_bytes(model, settings.layout)
    verification = None
    if settings.samples is not None:
        progress("comparing original and optimized")
        verification = compare(
            Candidate(original, data),
            Candidate(model, output, derived=True),
            runner=settings.runner,
            options=settings.samples,
        )
    return Result(
        original=original,
        source=data,
        model=model,
        data=output,
        trace=trace,
        before=model_facts(original, len(data)),
        after=model_facts(model, len(output)),
        verification=verification,
    )
