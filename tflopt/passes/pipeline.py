"""The only registry of rules, and the order in which they run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from tflopt.errors import UnsupportedError, UsageError
from tflopt.ir import Model
from tflopt.passes.drop_stale_plan import DropStalePlan
from tflopt.passes.fold_view_into_fully_connected import FoldViewIntoFullyConnected
from tflopt.passes.merge_transposes import MergeTransposes
from tflopt.passes.merge_views import MergeViews
from tflopt.passes.remove_dead import RemoveDead
from tflopt.passes.remove_noop import RemoveNoop
from tflopt.passes.transpose_to_reshape import TransposeToReshape
from tflopt.rewrite import AnyRule, ModelRule, Rule, Trace, run_model_rule, run_rules

RULES: tuple[AnyRule, ...] = (
    RemoveDead(),
    MergeViews(),
    MergeTransposes(),
    TransposeToReshape(),
    FoldViewIntoFullyConnected(),
    RemoveNoop(),
    DropStalePlan(),
)
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
    model: Model, selection: Selection | None = None, *, verify_each: bool = False
) -> Trace:
    """Rewrite ``model`` in place with the selected rules, and say what they did.

    Raises:
        UnsupportedError: rewriting would make other parts of the model wrong.
    """
    rules = [rule for rule in RULES if rule in (selection or Selection())]
    trace = Trace()
    if rules:
        _refuse_what_names_tensors_by_index(model)
    local = [rule for rule in rules if isinstance(rule, Rule)]
    _run_model_rules(model, rules, (RemoveDead,), trace)
    run_rules(model, local, trace, verify_each=verify_each)
    _run_model_rules(model, rules, (RemoveDead,), trace)
    if trace.hits:
        _run_model_rules(model, rules, (DropStalePlan, RemoveDead), trace)
    return trace


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
