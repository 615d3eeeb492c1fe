"""What the commands do, as functions: files or bytes in, one object with everything out.

Each has the defaults of its command and gives the same bytes; options are those of ``optimize``
with ``_`` for ``-``.
"""

from __future__ import annotations

import inspect as signatures
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from tflopt.emit import EmitOptions, NamedModel, emit_files, model_name, write_files
from tflopt.gate import diff as sides
from tflopt.gate.config import OPTIONS
from tflopt.gate.keys import Keys
from tflopt.io import write_all, write_bytes, write_file
from tflopt.io.files import check_outputs, load, output_path
from tflopt.io.reading.reader import read_bytes
from tflopt.ir import Model
from tflopt.product.facts import ModelFacts, OpFacts, all_op_facts, model_facts
from tflopt.product.files import annotation_path, results
from tflopt.product.optimize import (
    DEFAULT_TARGET,
    Result,
    Settings,
    check_verdict,
    optimize_file_bytes,
)
from tflopt.product.options import Options, options
from tflopt.product.pins import with_pins
from tflopt.product.validation import validate_files
from tflopt.report.json_report import report
from tflopt.report.notebook import inspection_html, summary_html
from tflopt.run.environment import choose_runner
from tflopt.run.runner import Runner
from tflopt.run.samples import SampleOptions
from tflopt.target.cmsis_nn import NEWEST
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.memory import Memory, memory_of, why_no_memory
from tflopt.target.quantities import parse_size
from tflopt.texts import counted
from tflopt.verify.compare import Candidate, Verification

Source: TypeAlias = "str | Path | bytes | bytearray"
"""A model: the path of a file, or the bytes of one."""
Said: TypeAlias = "str | int | float | bool | Path | Enum | Sequence[str] | None"
"""The value of an option, as a configuration file or Python writes it."""


@dataclass(frozen=True, repr=False)
class Optimized:
    """What came of :func:`optimize_file`.

    Args:
        result: the models with everything that is known of them.
        settings: what decided.
        source: where the original came from, empty for bytes.
        output: where the result was written, empty where it wasn't.
    """

    result: Result
    settings: Settings
    source: str = ""
    output: str = ""

    @property
    def model(self) -> Model:
        """The optimized model."""
        return self.result.model

    @property
    def data(self) -> bytes:
        """The optimized file."""
        return self.result.data

    @property
    def verdict(self) -> Verification | None:
        """What the comparison of both said; None with ``verify=False``."""
        return self.result.verification

    @cached_property
    def report(self) -> dict[str, object]:
        """Everything as plain data, as ``optimize --report`` writes it."""
        return report(self.result, self.settings, self.source, self.output)

    def save(self, path: str | Path) -> int:
        """Write the optimized model; its size in bytes."""
        return write_file(path, [self.data])

    def __repr__(self) -> str:
        old, new = self.result.before.file_bytes, self.result.after.file_bytes
        status = "not verified" if self.verdict is None else self.verdict.status
        name = Path(self.source).name or "model"
        arena = ""
        before, after = self.result.memory_before, self.result.memory_after
        known = before is not None and after is not None and not (before.unknown or after.unknown)
        if known and before is not None and after is not None:
            pair = before.arena.minimum_bytes, after.arena.minimum_bytes
            arena = f", arena {pair[0]:,} -> {pair[1]:,}"
        return f"<Optimized {name}: file {old:,} -> {new:,} bytes{arena}, {status}>"

    def _repr_html_(self) -> str:
        return summary_html(self.report)


@dataclass(frozen=True, repr=False)
class Inspection:
    """What is known of one model on a device.

    ``memory`` is None where the arena can't be known, for example with inputs of an open size.
    """

    model: Model
    device: Device
    totals: ModelFacts
    operators: tuple[OpFacts, ...]
    memory: Memory | None
    instructions: int

    @property
    def arena_bytes(self) -> int | None:
        """The least arena that the firmware needs."""
        known = self.memory is not None and not self.memory.unknown
        return self.memory.arena.minimum_bytes if known and self.memory is not None else None

    def __repr__(self) -> str:
        arena = "unknown" if self.arena_bytes is None else f"{self.arena_bytes:,} bytes"
        return (
            f"<Inspection {Path(self.model.path).name or 'model'}: "
            f"{self.totals.file_bytes:,} bytes, {counted(self.totals.operators, 'operator')}, "
            f"arena {arena}, {self.instructions:,} instructions on {self.device.target}>"
        )

    def _repr_html_(self) -> str:
        rows = [(op.index, op.code, ", ".join(op.outputs), op.macs) for op in self.operators]
        return inspection_html(repr(self).strip("<>"), rows)


def optimize_file(source: Source, output: str | Path | None = None, **said: Said) -> Optimized:
    """What ``tflopt optimize`` does, with its defaults: optimize, compare both, write.

    ``tflopt.optimize_file("kws.tflite", "kws.opt.tflite", target="cortex-m4", max_arena="64K")``

    Args:
        source: a path, or the bytes of a model.
        output: where the result goes; without it nothing is written.
        said: options of the command, with ``_`` for ``-``: ``target``, ``goal``, ``runtime``,
            ``max_arena``, ``disable``, ``samples``, ``verify`` and so on; ``tflopt.Options`` has
            all of them.

    Raises:
        TypeError: ``source`` is neither a path nor bytes.
        UsageError: no such file or option, or a value that makes no sense.
        ModelError: no valid model.
        BudgetError: a limit can't be met.
        MismatchError: the two differ; nothing is written.
        RunnerError: there is nothing to verify on; ``verify=False`` does without.
    """
    original, data, name = _loaded(source, "optimize_file")
    settings = with_pins(settings_of(said), original)
    destination = None if output is None else output_path(Path(name), Path(output))
    if destination is not None:
        check_outputs([annotation_path(settings, destination)], [Path(name), destination])
    result = optimize_file_bytes(original, data, settings)
    check_verdict(result, settings)
    if destination is not None:
        write_all(results(result, settings, destination))
    return Optimized(result, settings, name, "" if destination is None else str(destination))


def settings_of(said: Mapping[str, Said]) -> Settings:
    """The settings of the command for options by name.

    Raises:
        UsageError: no such option, or a value that makes no sense.
    """
    plain = {key.replace("_", "-"): _plain(key, value) for key, value in said.items()}
    keys = Keys({k: v for k, v in plain.items() if v is not None}, "options", OPTIONS)
    chosen = Options(**{name: keys.option(option) for name, option in options().items()})  # type: ignore[arg-type]
    return chosen.settings(choose_runner)


def _plain(key: str, value: Said) -> object:
    """As a configuration file would have it."""
    option = options().get(key)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if option is not None and option.is_list and value is not None:
        return [value] if isinstance(value, str) else list(value)  # type: ignore[arg-type]
    return value


def _signature() -> signatures.Signature:
    """With every option by its name, for editors and notebooks."""
    own = signatures.signature(optimize_file)
    keyword = signatures.Parameter.KEYWORD_ONLY
    named = [
        signatures.Parameter(name, keyword, default=option.default)
        for name, option in options().items()
    ]
    plain = [parameter for parameter in own.parameters.values() if parameter.name != "said"]
    return own.replace(parameters=[*plain, *named])


optimize_file.__dict__["__signature__"] = _signature()


def validate(
    original: Model | Source,
    optimized: Model | Source,
    *,
    runner: str | Runner = "auto",
    samples: int | SampleOptions | None = None,
    seed: int = 0,
    layers: bool = False,
    reference: str | Runner | None = None,
) -> Verification:
    """Run two models on the same inputs and compare their outputs bit for bit.

    Args:
        original: what the outputs must be those of: a model, a path, or bytes.
        optimized: any model with the same inputs and outputs.
        runner: ``auto``, ``tflm``, ``litert``, or a runner on a device.
        samples: how many inputs, 32 by default.
        seed: of the inputs.
        layers: compare inner tensors as well; without it that is done where outputs differ.
        reference: runs the original instead of ``runner``.

    Raises:
        TypeError: one is neither a model, a path nor bytes.
        RunnerError: no runner is installed.
        UsageError: there is no such file or runner.
    """
    pair = [_candidate(original), _candidate(optimized)]
    usual = SampleOptions(seed=seed)
    if isinstance(samples, int):
        usual = SampleOptions(samples, seed)
    chosen = samples if isinstance(samples, SampleOptions) else usual
    return validate_files(*pair, runner=runner, samples=chosen, layers=layers, reference=reference)


def inspect(
    source: Model | Source, *, target: str = DEFAULT_TARGET, cmsis_nn: str = NEWEST.name
) -> Inspection:
    """What ``tflopt inspect`` says: sizes, operators, the arena and the predicted instructions.

    Raises:
        TypeError, UsageError, ModelError: as :func:`optimize_file`.
    """
    candidate = _candidate(source)
    model, device = candidate.model, Device.of(target, cmsis_nn)
    return Inspection(
        model,
        device,
        model_facts(model, len(candidate.data)),
        tuple(all_op_facts(model)),
        None if why_no_memory(model) else memory_of(model, device),
        predict_model(model, device).instructions,
    )


def emit_sources(
    models: Source | Sequence[str | Path],
    folder: str | Path,
    *,
    name: str = "",
    target: str = DEFAULT_TARGET,
    cmsis_nn: str = NEWEST.name,
    section: str = "",
    arena: str | int | None = None,
    main: bool = False,
) -> list[Path]:
    """What ``tflopt emit`` does; the files that were written.

    Args:
        models: one model, or the paths of several, which share one resolver and one arena.
        folder: where the files go.
        name: the prefix of identifiers and files.
        target: the core whose arena is stated.
        cmsis_nn: the version of CMSIS-NN in the firmware.
        section: the linker section of the model.
        arena: state this arena instead, for example ``"64K"``.
        main: also write a minimal ``main.cc``.

    Raises:
        UsageError: no such file, target or version, or a name that C doesn't take.
        UnsupportedError: TFLM lacks an operator.
    """
    several = [models] if isinstance(models, str | Path | bytes | bytearray) else list(models)
    loaded = [_loaded(model, "emit_sources") for model in several]
    chosen = EmitOptions(
        Device.of(target, cmsis_nn),
        section=section,
        main=main,
        arena_bytes=parse_size(arena) if isinstance(arena, str) else arena,
    )
    named = [
        NamedModel(
            name if name and len(loaded) == 1 else model_name(Path(path).name or "model"),
            model,
            data,
        )
        for model, data, path in loaded
    ]
    files = emit_files(named, name, chosen)
    write_files(files, Path(folder))
    return [Path(folder) / file for file in files]


def diff(old: str | Path, new: str | Path) -> sides.Diff:
    """What ``tflopt diff`` says: what a change of a model costs.

    Raises:
        UsageError, ModelError: as :func:`optimize_file`.
    """
    return sides.diff(Path(old), Path(new))


def _candidate(source: Model | Source) -> Candidate:
    if isinstance(source, Model):
        return Candidate(source, write_bytes(source))
    model, data, _ = _loaded(source, "a model is", kinds="a Model, ")
    return Candidate(model, data)


def _loaded(source: Source, who: str, kinds: str = "") -> tuple[Model, bytes, str]:
    """The model, its bytes, and its path, empty where it has none."""
    given: object = source
    if isinstance(given, bytes | bytearray):
        return read_bytes(bytes(given)), bytes(given), ""
    if isinstance(given, str | Path):
        return *load(Path(given)), str(given)
    takes = who if kinds else f"{who} takes"
    hint = "; tflopt.optimize takes a Model" if isinstance(given, Model) else ""
    raise TypeError(
        f"{takes} {kinds}the path of a .tflite file or its bytes, not {type(source).__name__}{hint}"
    )
