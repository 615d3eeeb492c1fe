"""The only registry of rules, and the order in which they run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial

import numpy as np

from tflopt.config import Config, Goal, Runtime, Strip
from tflopt.errors import UnsupportedError, UsageError
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.rewrite import AnyRule, ModelRule, Rule, Trace, run_model_rule, run_rules
from tflopt.rules.activations.fold_diamond import FoldDiamond
from tflopt.rules.activations.fold_unary_chain import FoldUnaryChain
from tflopt.rules.activations.fuse_activation import FuseActivation
from tflopt.rules.channels.remove_channels import RemoveChannels
from tflopt.rules.constants.fold_constants import FoldConstants
from tflopt.rules.constants.merge_duplicates import MergeDuplicates
from tflopt.rules.constants.per_channel_to_per_tensor import PerChannelToPerTensor
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.rules.constants.remove_identity import RemoveIdentity
from tflopt.rules.constants.remove_noop import RemoveNoop
from tflopt.rules.defects.add_zero_bias import AddZeroBias
from tflopt.rules.defects.crop_transpose_conv import CropTransposeConv
from tflopt.rules.defects.flatten_fully_connected import FlattenFullyConnected
from tflopt.rules.defects.merge_transposed_axes import MergeTransposedAxes
from tflopt.rules.defects.softmax_to_maximum import SoftmaxToMaximum
from tflopt.rules.defects.widen_transpose_conv import WidenTransposeConv
from tflopt.rules.flash.keep_names import check_names
from tflopt.rules.flash.merge_buffers import MergeBuffers
from tflopt.rules.flash.share_zero_points import ShareZeroPoints
from tflopt.rules.flash.strip_fields import StripFields
from tflopt.rules.flash.strip_metadata import StripMetadata
from tflopt.rules.flash.strip_names import StripNames
from tflopt.rules.flash.strip_ranges import StripRanges
from tflopt.rules.flash.strip_texts import StripTexts
from tflopt.rules.flash.strip_unread_quantization import StripUnreadQuantization
from tflopt.rules.forms.batch_matmul_to_fully_connected import BatchMatMulToFullyConnected
from tflopt.rules.forms.conv_to_depthwise import ConvToDepthwise
from tflopt.rules.forms.conv_to_fully_connected import ConvToFullyConnected
from tflopt.rules.forms.depthwise_to_conv import DepthwiseToConv
from tflopt.rules.forms.expand_depth_multiplier import ExpandDepthMultiplier
from tflopt.rules.forms.extend_kernel import ExtendKernel
from tflopt.rules.forms.fill_dilation import FillDilation
from tflopt.rules.forms.fully_connected_to_conv import FullyConnectedToConv
from tflopt.rules.forms.mean_to_convolution import MeanToConvolution
from tflopt.rules.forms.merge_groups import MergeGroups
from tflopt.rules.forms.replicate_channels import ReplicateChannels
from tflopt.rules.forms.requantize_with_kernel import RequantizeWithKernel
from tflopt.rules.forms.split_groups import SplitGroups
from tflopt.rules.forms.sub_to_add import SubToAdd
from tflopt.rules.islands.hoist_quantize import HoistQuantize
from tflopt.rules.islands.integerize_islands import IntegerizeIslands
from tflopt.rules.islands.integerize_mean import IntegerizeMean
from tflopt.rules.islands.round_islands import RoundIslands
from tflopt.rules.islands.round_mean import RoundMean
from tflopt.rules.islands.round_softmax import RoundSoftmax
from tflopt.rules.islands.select_before_dequantize import SelectBeforeDequantize
from tflopt.rules.islands.sink_dequantize import SinkDequantize
from tflopt.rules.islands.weigh_islands import WeighIslands
from tflopt.rules.memory.drop_stale_plan import DropStalePlan
from tflopt.rules.memory.plan_memory import PlanMemory
from tflopt.rules.memory.program_plan import run_around_vendors
from tflopt.rules.memory.reorder_operators import ReorderOperators
from tflopt.rules.missing.reduce_any_to_all import ReduceAnyToAll
from tflopt.rules.missing.relu_to_clamp import ReluToClamp
from tflopt.rules.missing.select_to_select_v2 import SelectToSelectV2
from tflopt.rules.movement.assign_layouts import AssignLayouts
from tflopt.rules.movement.fold_pad import FoldPad
from tflopt.rules.movement.fold_space_to_batch import FoldSpaceToBatch
from tflopt.rules.movement.hoist_slice import HoistSlice
from tflopt.rules.movement.hoist_slice_over_window import HoistSliceOverWindow
from tflopt.rules.movement.merge_concatenations import MergeConcatenations
from tflopt.rules.movement.merge_pads import MergePads
from tflopt.rules.movement.merge_slices import MergeSlices
from tflopt.rules.movement.merge_transposes import MergeTransposes
from tflopt.rules.movement.remove_unit_window import RemoveUnitWindow
from tflopt.rules.movement.repeat_to_resize import RepeatToResize
from tflopt.rules.movement.sink_pad import SinkPad
from tflopt.rules.movement.split_concatenation import SplitConcatenation
from tflopt.rules.movement.trim_pad import TrimPad
from tflopt.rules.views.fold_shape import FoldShape
from tflopt.rules.views.fold_view_into_fully_connected import FoldViewIntoFullyConnected
from tflopt.rules.views.merge_views import MergeViews
from tflopt.rules.views.pack_to_reshape import PackToReshape
from tflopt.rules.views.reduce_to_view import ReduceToView
from tflopt.rules.views.shape_to_options import ShapeToOptions
from tflopt.rules.views.sink_view import SinkView
from tflopt.rules.views.transpose_to_reshape import TransposeToReshape
from tflopt.search.budget_of_forms import make_budget, original_cost
from tflopt.search.worth import Cost, FormRule, Worth
from tflopt.target import Isa
from tflopt.target.vendor import places_are_fixed

FORMS: tuple[type[FormRule], ...] = (
    MergeDuplicates,
    FoldDiamond,
    ConvToDepthwise,
    ReplicateChannels,
    ExpandDepthMultiplier,
    FillDilation,
    DepthwiseToConv,
    MergeGroups,
    SplitGroups,
    MeanToConvolution,
    BatchMatMulToFullyConnected,
    ConvToFullyConnected,
    FullyConnectedToConv,
    SubToAdd,
    RequantizeWithKernel,
    WeighIslands,
)
"""Write operators in another form where it is better for the goal, after the other rules."""


def make_rules(config: Config) -> tuple[AnyRule, ...]:
    """Every rule with its options, in the order in which ``tflopt passes`` lists them."""
    everything, keep = config.strip is Strip.ALL, config.keep
    mve = config.device.target.isa is Isa.MVE
    in_place = config.plan is not None and config.plan.in_place
    worth = Worth(config.goal, config.device, in_place, route_around=config.route_around)
    return (
        RemoveDead(),
        RemoveChannels(worth),
        AssignLayouts(config.device, in_place, config.io_layout, config.route_around, config.goal),
        MergeViews(),
        SinkView(),
        MergeConcatenations(),
        MergeTransposes(),
        TransposeToReshape(),
        FoldViewIntoFullyConnected(),
        RemoveNoop(),
        FuseActivation(),
        FoldUnaryChain(),
        SinkDequantize(),
        SelectBeforeDequantize(),
        IntegerizeIslands(postpone=config.allow_lsb > 0),
        HoistQuantize(),
        RoundIslands(config.allow_lsb),
        IntegerizeMean(),
        RoundMean(config.allow_lsb),
        FoldPad(mve),
        MergePads(),
        SinkPad(),
        TrimPad(),
        MergeSlices(),
        HoistSlice(),
        HoistSliceOverWindow(mve),
        FoldConstants(),
        FoldShape(config.runtime),
        RepeatToResize(),
        FoldSpaceToBatch(),
        ExtendKernel(config.goal, config.device, config.plan),
        SplitConcatenation(),
        ReluToClamp(),
        SelectToSelectV2(),
        ReduceAnyToAll(),
        ShapeToOptions(config.runtime),
        PerChannelToPerTensor(),
        AddZeroBias(config.device),
        FlattenFullyConnected(config.device),
        CropTransposeConv(config.device),
        WidenTransposeConv(config.device, config.runtime),
        MergeTransposedAxes(config.device),
        SoftmaxToMaximum(config.device),
        RemoveIdentity(),
        RemoveUnitWindow(),
        ReduceToView(),
        PackToReshape(),
        *(form(worth) for form in FORMS),
        RoundSoftmax(worth, config.allow_lsb),
        DropStalePlan(),
        StripNames(everything, keep),
        StripTexts(everything, keep),
        StripMetadata(everything, keep),
        StripRanges(),
        StripUnreadQuantization(config.runtime),
        ShareZeroPoints(),
        StripFields(config.runtime, everything),
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
ROUTES = (
    AddZeroBias,
    FlattenFullyConnected,
    CropTransposeConv,
    WidenTransposeConv,
    MergeTransposedAxes,
    SoftmaxToMaximum,
)
"""Write layers otherwise that the device computes wrongly; none with ``--no-route-around``."""
COMPRESSED = "COMPRESSION_METADATA"
LAYOUT_ROUNDS = 8
"""Each layout costs less than the one before by its own measure, and three rounds were seen."""


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


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # scales may be as small as 1e-45
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
    check_names(model, config.keep)
    rules = [rule for rule in make_rules(config) if rule in selection and applies(rule, config)]
    if rules:
        _refuse_what_names_tensors_by_index(model)
    run = partial(_run, config=config, verify_each=verify_each)
    if places_are_fixed(model):
        around = [rule for rule in rules if not isinstance(rule, PlanMemory | ReorderOperators)]
        tidy = [rule for rule in around if isinstance(rule, STRIPS)]
        return run_around_vendors(model, config, partial(run, rules=around), tidy)
    return run(model, rules)


def _run(model: Model, rules: list[AnyRule], config: Config, *, verify_each: bool) -> Trace:
    trace = Trace()
    local = [rule for rule in rules if isinstance(rule, Rule)]
    _run_model_rules(model, rules, (RemoveDead,), trace)
    simple = [rule for rule in local if not isinstance(rule, FormRule)]
    forms = [rule for rule in local if isinstance(rule, FormRule)]
    original = original_cost(model, forms[0].worth) if forms else None
    layouts = [r for r in rules if isinstance(r, AssignLayouts | RemoveChannels | RemoveDead)]
    _run_in_turn(model, simple, layouts, trace, verify_each)
    # Islands that could not be rounded are still made integers where that is exact.
    simple = [IntegerizeIslands() if isinstance(r, IntegerizeIslands) else r for r in simple]
    if config.allow_lsb:
        _run_in_turn(model, simple, layouts, trace, verify_each)
    _drop_stale_plan(model, trace)
    if original is not None:
        for _ in range(LAYOUT_ROUNDS):
            fitting = _with_budget(model, rules, forms, original, config)
            _run_in_turn(model, [*simple, *fitting], layouts, trace, verify_each)
            if not _run_model_rules(model, rules, (ReorderOperators,), trace):
                break  # else forms and layouts may fit between other tensors that are alive
    _run_model_rules(model, rules, (RemoveDead, ExtendKernel, RemoveDead), trace)
    _drop_stale_plan(model, trace)
    _run_model_rules(model, rules, STRIPS, trace)
    _run_model_rules(model, rules, (RemoveDead,), trace)
    _run_model_rules(model, rules, (ReorderOperators,), trace)
    if _flatten_again(model, local, trace, verify_each):
        _run_model_rules(model, rules, (RemoveDead,), trace)
    _run_model_rules(model, rules, (PlanMemory,), trace)
    return trace


def _drop_stale_plan(model: Model, trace: Trace) -> None:
    """Not a choice: a plan for other tensors would be wrong, and the runtime checks nothing."""
    if trace.hits:
        run_model_rule(model, DropStalePlan(), trace)


def _run_in_turn(
    model: Model,
    local: Sequence[Rule],
    layouts: Sequence[ModelRule],
    trace: Trace,
    verify_each: bool,
) -> None:
    """Local rules and the layout of the whole graph, until the layout stays as it is.

    A reader that is dead may have kept a rule from its pattern, so the dead go each time.
    """
    for _ in range(LAYOUT_ROUNDS):
        run_rules(model, local, trace, verify_each=verify_each)
        changed = [run_model_rule(model, rule, trace) for rule in layouts]
        if not any(changed):
            return


def _flatten_again(model: Model, local: Sequence[Rule], trace: Trace, verify_each: bool) -> bool:
    """Whether debug builds stop hangs on the layers before, which are at their places now.

    A view behind a layer that becomes flat may have no effect any more. Returns whether something
    changed.
    """
    known = len(trace.hits)
    routes = [rule for rule in local if isinstance(rule, FlattenFullyConnected | RemoveNoop)]
    for _ in range(LAYOUT_ROUNDS):
        again = Trace()  # of its own: what other rules declined stays on record
        run_rules(model, routes, again, verify_each=verify_each)
        trace.hits.extend(again.hits)
        if not again.hits:
            break
    return len(trace.hits) > known


def _with_budget(
    model: Model,
    rules: Sequence[AnyRule],
    forms: Sequence[FormRule],
    original: Cost,
    config: Config,
) -> list[FormRule]:
    """The forms, balanced ones with what they may spend."""
    worth = forms[0].worth
    if worth.goal is not Goal.BALANCED:
        return list(forms)
    stripped = clone(model)
    _run_model_rules(stripped, rules, (RemoveDead, *STRIPS), Trace())
    budget = make_budget(model, stripped, original, worth, config.plan)
    worth = replace(worth, budget=budget)
    return [replace(form, worth=worth) for form in forms]


def applies(rule: AnyRule, config: Config) -> bool:
    """Whether the options allow a rule at all."""
    if not rule.exactness.bit_exact and not config.allow_lsb:
        return False
    if isinstance(rule, ShareZeroPoints) and config.runtime is not Runtime.TFLM:
        return False
    if isinstance(rule, ROUTES) and not config.route_around:
        return False
    return config.strip is not Strip.NONE or not isinstance(rule, STRIPS)


def _run_model_rules(
    model: Model,
    rules: Sequence[AnyRule],
    kinds: tuple[type[ModelRule], ...],
    trace: Trace,
) -> bool:
    chosen = [rule for kind in kinds for rule in rules if isinstance(rule, kind)]
    changed = [run_model_rule(model, rule, trace) for rule in chosen]
    return any(changed)


def _refuse_what_names_tensors_by_index(model: Model) -> None:
    for entry in model.metadata or ():
        if entry.name == COMPRESSED:
            raise UnsupportedError(
                "the model is compressed for TFLM; optimize it before compressing it",
                f"metadata {COMPRESSED}",
                model.path,
            )
