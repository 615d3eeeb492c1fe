"""The only registry of rules, and the order in which they run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from tflopt.errors import UnsupportedError, UsageError
from tflopt.ir import Model
from tflopt.passes.config import Config, Runtime, Strip
from tflopt.passes.drop_stale_plan import DropStalePlan
from tflopt.passes.fold_view_into_fully_connected import FoldViewIntoFullyConnected
from tflopt.passes.merge_buffers import MergeBuffers
from tflopt.passes.merge_transposes import MergeTransposes
from tflopt.passes.merge_views import MergeViews
from tflopt.passes.per_channel_to_per_tensor import PerChannelToPerTensor
from tflopt.passes.plan_memory import PlanMemory
from tflopt.passes.remove_dead import RemoveDead
from tflopt.passes.remove_noop import RemoveNoop
from tflopt.passes.reorder_operators import ReorderOperators
from tflopt.passes.shape_to_options import ShapeToOptions
from tflopt.passes.share_zero_points import ShareZeroPoints
from tflopt.passes.strip_fields import StripFields
from tflopt.passes.strip_metadata import StripMetadata
from tflopt.passes.strip_names import StripNames
from tflopt.passes.strip_ranges import StripRanges
from tflopt.passes.strip_texts import StripTexts
from tflopt.passes.strip_unread_quantization import StripUnreadQuantization
from tflopt.passes.transpose_to_reshape import TransposeToReshape
from tflopt.rewrite import AnyRule, ModelRule, Rule, Trace, run_model_rule, run_rules


def make_rules(config: Config) -> tuple[AnyRule, ...]:
    """Every rule with its options, in the order in which ``tflopt passes`` lists them."""
    everything, keep = config.strip is Strip.ALL, config.keep
    return (
        RemoveDead(),
        MergeViews(),
        MergeTransposes(),
        TransposeToReshape(),
        FoldViewIntoFullyConnected(),
        RemoveNoop(),
        ShapeToOptions(config.runtime),
        PerChannelToPerTensor(),
        DropStalePlan(),
        StripNames(everything, keep),
        StripTexts(everything, keep),
        StripMetadata(everything, keep),
        StripRanges(),
        StripUnreadQuantization(),
        ShareZeroPoints(),
        StripFields(config.runtime),
        MergeBuffers(),
        ReorderOperators(config.device, config.plan),
        PlanMemory(config.device, config.plan),
    )


RULES = make_rules(Config())
STRIPS = (
    StripNames,
    StripTexts,
    StripMetadata,
    StripRanges,
    StripUnreadQuantization,
    ShareZeroPoints,
    StripFields,
    MergeBuffers,
)
"""Run last, in this order; none of them with ``--strip none``."""
COMPRESSED = "COMPRESSION_METADATA"


@dataclass(frozen=True)
class Selection:
    """Which rules run: ``only`` these (None: all), without ``disable``.

    Raises:
        UsageError: there is no such rule.
    """

    only: Collection[str] | None = None
    disable: Collection[str] = ()

    def __post_init__(self) -> None:
        for name in (*(self.only or ()), *self.disable):
            find_rule(name)

    def __contains__(self, rule: AnyRule) -> bool:
        if rule.name in self.disable:
            return False
        return self.only is None or rule.name in self.only


def find_rule(name: str) -> AnyRule:
    """The rule of that name.

    Raises:
        UsageError: there is none; names the closest.
    """
    rules = {rule.name: rule for rule in RULES}
    if name in rules:
        return rules[name]
    close = get_close_matches(name, rules, n=1)
    hint = f"did you mean {close[0]}?" if close else "tflopt passes lists them"
    raise UsageError(f"there is no rule {name!r}; {hint}")


def run_pipeline(
    model: Model,
    selection: Selection | None = None,
    config: Config | None = None,
    *,
    verify_each: bool = False,
) -> Trace:
    """Rewrite ``model`` in place with the selected rules, and say what they did.

    Raises:
        UnsupportedError: rewriting would make other parts of the model wrong.
        UsageError: ``config.keep`` names nothing in the model.
    """
    selection, config = selection or Selection(), config or Config()
    _check_names(model, config.keep)
    rules = [rule for rule in make_rules(config) if rule in selection and _applies(rule, config)]
    trace = Trace()
    if rules:
        _refuse_what_names_tensors_by_index(model)
    local = [rule for rule in rules if isinstance(rule, Rule)]
    _run_model_rules(model, rules, (RemoveDead,), trace)
    run_rules(model, local, trace, verify_each=verify_each)
    _run_model_rules(model, rules, (RemoveDead,), trace)
    if trace.hits:
        # Not a choice: a plan for other tensors would be wrong, and the runtime checks nothing.
        run_model_rule(model, DropStalePlan(), trace)
    _run_model_rules(model, rules, STRIPS, trace)
    _run_model_rules(model, rules, (RemoveDead,), trace)
    _run_model_rules(model, rules, (ReorderOperators, PlanMemory), trace)
    return trace


def _applies(rule: AnyRule, config: Config) -> bool:
    if isinstance(rule, ShareZeroPoints) and config.runtime is not Runtime.TFLM:
        return False
    return config.strip is not Strip.NONE or not isinstance(rule, STRIPS)


def _check_names(model: Model, keep: frozenset[str]) -> None:
    known = {value.name for graph in model.graphs for value in graph.values}
    known |= {entry.name for entry in model.metadata or ()}
    known |= {entry.key for entry in model.signatures or ()}
    known |= {graph.name for graph in model.graphs}
    for name in sorted(keep - known):
        close = get_close_matches(name, [text for text in known if text], n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"--keep {name}: no tensor, signature or metadata has that name{hint}")


def _run_model_rules(
    model: Model,
    rules: Sequence[AnyRule],
    kinds: tuple[type[ModelRule], ...],
    trace: Trace,
) -> None:
    for kind in kinds:
        for rule in rules:
            if isinstance(rule, kind):
                run_model_rule(model, rule, trace)


def _refuse_what_names_tensors_by_index(model: Model) -> None:
    for entry in model.metadata or ():
        if entry.name == COMPRESSED:
            raise UnsupportedError(
                "the model is compressed for TFLM; optimize it before compressing it",
                f"metadata {COMPRESSED}",
                model.path,
            )
