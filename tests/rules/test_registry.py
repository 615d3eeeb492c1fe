"""Rules are found by folder, run in the order that they state, and can all be turned off."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.graphs import Net
from tests.support.paths import ROOT
from tests.support.rule_examples import EXAMPLES
from tflopt.config import Config, Strip
from tflopt.errors import TfloptError, UsageError
from tflopt.ir.clone import clone
from tflopt.rewrite import AnyRule, Rule, Stage
from tflopt.rewrite.watch import Event, Moment, PhaseTimes, PrintAfter, in_turn
from tflopt.rules import registry
from tflopt.rules.phases import PHASES, Mode
from tflopt.rules.pipeline import RULES, Selection, applies, run_pipeline
from tflopt.rules.registry import STAGES, rule_types
from tflopt.rules.views.merge_views import MergeViews

pytestmark = pytest.mark.unit

NEW_RULE = '''
"""Swap the inputs of an ADD that is named so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.ir import Op, OpCode
from tflopt.rewrite import Rewriter, Rule


@dataclass(frozen=True)
class SwapInputs(Rule):
    """Swap the inputs of an ADD whose output is named "swap".

    Exact: addition is commutative.
    """

    name: ClassVar[str] = "swap-inputs"
    number: ClassVar[int] = 300
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.ADD})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Swap them once."""
        if op.output.name == "swap":
            rw.set_inputs(op, op.inputs[::-1])
            rw.set_name(op.output, "swapped")
'''
USE_IT = """
from tests.support.graphs import Net
from tflopt.io import read_bytes, write_bytes
from tflopt.annotation.annotate import applied_rules
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.rules.pipeline import RULES, Selection, run_pipeline
from tflopt.target.annotation import decode
n = Net()
y = n.add(n.feed(1, 4), n.feed(1, 4))
y.name = "swap"
n.output(n.relu(y))
data = write_bytes(n.model)
trace = run_pipeline(n.model, Selection(only=("swap-inputs",)))
assert trace.counts == {"swap-inputs": 1}, trace.counts
result = optimize_file_bytes(read_bytes(data), data, Settings(samples=None))
assert "swap-inputs" in applied_rules(decode(result.annotation)), result.trace.counts
print(*(rule.name for rule in RULES))
"""


@pytest.mark.parametrize("room", ["swapping", "views"])
def test_a_new_rule_is_one_file_and_a_room_is_a_folder(tmp_path: Path, room: str) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tflopt", tmp_path / "tflopt", ignore=ignored)
    folder = tmp_path / "tflopt" / "rules" / room
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").touch()
    (folder / "swap_inputs.py").write_text(NEW_RULE.lstrip())
    done = subprocess.run(
        [sys.executable, "-c", USE_IT],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    assert [name for name in names if name != "swap-inputs"] == [rule.name for rule in RULES]
    assert names.index("swap-inputs") == names.index("assign-layouts") + 1


def test_rules_stand_in_the_order_of_stages_and_ranks() -> None:
    turns = [(STAGES.index(kind.stages[0]), kind.rank, kind.name) for kind in rule_types()]
    assert turns == sorted(turns)
    assert len(turns) > 70


def test_every_stage_runs_in_a_phase_or_as_upkeep() -> None:
    run = {stage for phase in PHASES for stage in (*phase.stages, *phase.after)}
    assert set(Stage) - run == {Stage.STALE}
    assert {stage for kind in rule_types() for stage in kind.stages} == set(Stage)


def test_forms_are_the_only_search_and_stages_first_meet_in_order() -> None:
    assert [phase.name for phase in PHASES if phase.mode is Mode.SEARCH] == ["forms"]
    first = list(dict.fromkeys(phase.stages[0] for phase in PHASES))
    assert first == sorted(first, key=STAGES.index)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_rule_can_be_disabled(name: str) -> None:
    model, _ = EXAMPLES[name].models()
    copy = clone(model)
    try:
        trace = run_pipeline(copy, Selection(disable=[name]))
    except UsageError as error:
        assert name == "drop-stale-plan"
        assert "no longer fits" in str(error)
        return
    assert name not in trace.counts


def test_conditions_of_phases_and_rules_apply() -> None:
    enabled = {rule.name for rule in RULES if applies(rule, Config())}
    assert {"strip-names", "add-zero-bias"} <= enabled
    assert not {"round-islands", "share-zero-points"} & enabled
    bare = Config(strip=Strip.NONE, route_around=False, allow_lsb=1)
    enabled = {rule.name for rule in RULES if applies(rule, bare)}
    assert not {"strip-names", "add-zero-bias"} & enabled
    assert "round-islands" in enabled


def chain() -> Net:
    n = Net()
    x = n.relu(n.feed(1, 6))
    n.output(n.relu(n.reshape(n.reshape(n.reshape(x, 2, 3), 3, 2), 6)))
    return n


def test_one_callback_sees_every_change_and_every_phase() -> None:
    events: list[Event] = []
    trace = run_pipeline(chain().model, watch=events.append)
    phases = [event.name for event in events if event.moment is Moment.PHASE]
    assert phases == [phase.name for phase in PHASES]
    fired = [event.name for event in events if event.moment is Moment.FIRED]
    local = {rule.name for rule in RULES if hasattr(rule, "anchors")}
    assert fired == [hit.rule for hit in trace.hits if hit.rule in local]


def test_the_model_is_printed_after_the_rules_that_are_named() -> None:
    texts: list[str] = []
    run_pipeline(chain().model, watch=PrintAfter({"merge-views"}, texts.append))
    assert texts
    assert all(text.startswith("// after merge-views\ngraph(") for text in texts)
    assert texts[0].count("RESHAPE") > texts[-1].count("RESHAPE")


def test_times_are_those_of_phases() -> None:
    ticks = iter(range(100))
    times = PhaseTimes(lambda: float(next(ticks)))
    seen: list[Event] = []
    run_pipeline(chain().model, watch=in_turn([times, seen.append]))
    assert times.seconds == {phase.name: 1.0 for phase in PHASES}
    assert seen


def refused(monkeypatch: pytest.MonkeyPatch, kind: type[AnyRule]) -> str:
    """Why the registry takes no such rule beside the others."""
    kinds = [*rule_types(), kind]
    monkeypatch.setattr(registry, "_classes", lambda: iter(kinds))
    registry.rule_types.cache_clear()
    with pytest.raises(TypeError) as error:
        rule_types()
    registry.rule_types.cache_clear()
    return str(error.value)


def test_rules_that_are_not_told_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unnumbered(Rule):
        name = "unnumbered"

    class Renumbered(Rule):
        name = "renumbered"
        number = MergeViews.number

    assert refused(monkeypatch, MergeViews) == "several rules have the name merge-views"
    monkeypatch.undo()
    assert refused(monkeypatch, Renumbered) == "several rules have the number 1"
    monkeypatch.undo()
    following = max(kind.number for kind in rule_types()) + 1
    why = refused(monkeypatch, Unnumbered)
    assert why == f"unnumbered has no number; the next is {following}"


def test_an_error_of_usage_is_one_of_ours() -> None:
    with pytest.raises(TfloptError, match="did you mean merge-views"):
        Selection(disable=["merge-view"])
