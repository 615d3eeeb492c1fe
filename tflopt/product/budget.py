"""Budgets: limits that fail with a reason."""

from __future__ import annotations

from dataclasses import replace

from tflopt.annotation.annotate import Annotate
from tflopt.config import Config, Goal, Runtime, Strip
from tflopt.errors import (
    ArenaError,
    FlashError,
    InstructionsError,
    TfloptError,
    UnsupportedError,
    printable,
)
from tflopt.ir import Buffer, Model
from tflopt.ir.clone import clone
from tflopt.plan.offline import head_lower_bound
from tflopt.product.memory import timeline
from tflopt.rewrite import Stage
from tflopt.rules.pipeline import RULES, Selection, run_pipeline
from tflopt.target.cost import Basis, predict_model
from tflopt.target.kernel_sets import THIS_ISA
from tflopt.target.memory import (
    Account,
    Memory,
    PlanRequest,
    aliases_of,
    memory_of,
    why_no_memory,
)

LARGEST = 3
PLANS = tuple(rule.name for rule in RULES if Stage.PLAN in rule.stages)


def check_arena(
    model: Model,
    memory: Memory,
    limit_bytes: int | None,
    config: Config | None = None,
    original: Model | None = None,
    results: int = 1,
) -> None:
    """Fail where the model needs a larger arena; ``config`` is what it was optimized with.

    Tensors that lost their names are called as in ``original``. The model is the closest of
    ``results``.

    Raises:
        ArenaError: names what is live at the peak, or the phase that needs the most.
        UnsupportedError: it could pass, but the memory of some kernels is not known.
    """
    need = memory.arena.minimum_bytes
    if limit_bytes is None:
        return
    if need <= limit_bytes:
        if memory.unknown:
            who = ", ".join(map(printable, memory.unknown))
            raise UnsupportedError(f"the arena can't be checked: no sizes for kernels of {who}")
        return
    peaks = [step for step in timeline(model, memory, original) if step.is_peak]
    names: list[str] = []
    if memory.arena.peak == "interface" and peaks:
        # Converters join the names of what they fused by semicolons; the first says enough.
        buffers = [name.split(";")[0] for name in peaks[0].buffers]
        names = [f"operator {peaks[0].index} {peaks[0].operator}", *buffers]
    else:
        names = [f"the phase {memory.arena.peak!r} of AllocateTensors"]
    hint = "" if config is None else _closest(results) + arena_hint(config, model, need)
    raise ArenaError(need, limit_bytes, names, hint)


def check_flash(
    model: Model,
    file_bytes: int,
    limit_bytes: int | None,
    config: Config,
    annotates: bool,
    results: int = 1,
) -> None:
    """Fail where the file takes more flash; it is the closest of ``results``.

    Raises:
        FlashError: names the largest constants and the options that are left.
    """
    if limit_bytes is None or file_bytes <= limit_bytes:
        return
    hint = _closest(results) + flash_hint(model, limit_bytes, config, annotates)
    raise FlashError(file_bytes, limit_bytes, _largest(model), hint)


def check_instructions(model: Model, config: Config, limit: int | None, results: int = 1) -> None:
    """Fail where one inference takes more instructions, by the cost table of the device's core.

    ``config`` is what the model was optimized with; it is the closest of ``results``.

    Raises:
        InstructionsError: names the operators that take most.
        UnsupportedError: nothing is known of the cost of some operators.
    """
    if limit is None:
        return
    prediction = predict_model(model, config.device)
    unknown = {
        printable(row.op.opcode.label)
        for row in prediction.rows
        if row.prediction.basis is Basis.UNKNOWN
    }
    if prediction.instructions <= limit and unknown:
        who = ", ".join(sorted(unknown))
        raise UnsupportedError(f"the instructions can't be checked: no cost of {who} is known")
    if prediction.instructions <= limit:
        return
    dearest = sorted(prediction.rows, key=lambda row: -row.instructions)[:LARGEST]
    names = [
        f"operator {row.index} {printable(row.op.opcode.label)} {row.instructions:,}"
        for row in dearest
    ]
    hint = "no option is left that helps; a model with less work is needed"
    if config.goal is not Goal.SPEED:
        hint = "could help: --goal speed"
    raise InstructionsError(prediction.instructions, limit, names, _closest(results) + hint)


def _closest(results: int) -> str:
    """That others were tried, if any were."""
    return f"the closest of {results} results; " if results > 1 else ""


def arena_hint(config: Config, model: Model | None = None, need_bytes: int = 0) -> str:
    """The options that could still lower the arena; overlaps are tried on ``model``."""
    if config.plan is None:
        return "could help: --plan offline"
    left = []
    if config.plan.offline.preserve_inputs:
        left.append("no --preserve-inputs")
    if config.plan.offline.reserve_head_bytes:
        left.append("a smaller --reserve-head")
    if config.plan.overlap != THIS_ISA:
        least = None if model is None else arena_with_overlap(model, config)
        if model is None or (least is not None and least < need_bytes):
            left.append("--overlap" + ("" if least is None else f" ({least:,} bytes)"))
    if config.tiling is None:
        left.append("--tile auto")
    if left:
        return f"could help: {', '.join(left)}"
    return "no option is left that helps; smaller activations are needed"


def least_with_overlap(model: Model, config: Config) -> int:
    """An arena that no plan is below whose outputs may follow the inputs they consume; 0 where a
    plan may take variables from the tail, too.
    """
    if any(value.is_variable for graph in model.graphs for value in graph.values):
        return 0
    request = _with_overlap(config)
    account = Account.of(model, config.device)
    aliases = aliases_of(model, config.device, request)
    return account.least_bytes(head_lower_bound(account.description, aliases))


def arena_with_overlap(model: Model, config: Config) -> int | None:
    """The least arena of a finished model whose outputs may follow the inputs they consume.

    None where no such plan is possible.
    """
    copy = clone(model)
    try:
        run_pipeline(copy, Selection(PLANS), replace(config, plan=_with_overlap(config)))
    except TfloptError:
        return None
    return None if why_no_memory(copy) else memory_of(copy, config.device).arena.minimum_bytes


def _with_overlap(config: Config) -> PlanRequest:
    return replace(config.plan or PlanRequest(), overlap=THIS_ISA)


def flash_hint(model: Model, limit_bytes: int, config: Config, annotates: bool) -> str:
    """The options that could still make the file smaller, if any could be enough."""
    constants = sum(buffer.size_bytes for buffer in _buffers(model))
    if constants > limit_bytes:
        return f"the constants alone are {constants:,} bytes, so only a smaller model fits"
    left = []
    if config.strip is not Strip.ALL:
        left.append("--strip all")
    if config.runtime is not Runtime.TFLM:
        left.append("--runtime tflm")
    if annotates:
        left.append(f"--annotate {Annotate.NONE.value}")
    return f"could help: {', '.join(left)}" if left else "no option is left that helps"


def _buffers(model: Model) -> list[Buffer]:
    values = (value for graph in model.graphs for value in graph.values if value.has_data)
    return list(dict.fromkeys(v.buffer for v in values if v.buffer is not None))


def _largest(model: Model) -> list[str]:
    """The three largest constants, by who reads them."""
    texts: dict[Buffer, str] = {}
    for graph in model.graphs:
        for index, op in enumerate(graph.ops):
            for value in op.inputs:
                if value is not None and value.has_data and value.buffer is not None:
                    label = f"operator {index} {printable(op.opcode.label)}"
                    texts.setdefault(value.buffer, f"{label} {value.buffer.size_bytes:,}")
    order = sorted(texts, key=lambda buffer: -buffer.size_bytes)
    return [texts[buffer] for buffer in order[:LARGEST]]
