"""``drop-stale-plan``, and when the pipeline runs it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.graphs import Net
from tflopt.config import Config, Strip
from tflopt.errors import UnsupportedError, UsageError
from tflopt.facts.offline_plan import PLAN_NAME
from tflopt.ir import Buffer, Metadata
from tflopt.rules.memory.drop_stale_plan import DropStalePlan
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.rules.refusals import COMPRESSED
from tflopt.target.annotation import METADATA_NAME

pytestmark = pytest.mark.unit
RULE = DropStalePlan()
CONFIG = Config(strip=Strip.NONE)


def planned(*names: str, noop: bool = False) -> Net:
    n = Net()
    x = n.feed(2, 3)
    y = n.add(x, x)
    n.output(n.add(n.reshape(y, 2, 3) if noop else y, x))
    n.model.metadata = []
    for name in names:
        plan = np.array([1, 0, len(n.graph.values), *[-1] * len(n.graph.values)], "<i4")
        buffer = Buffer(plan.view(np.uint8))
        n.model.buffers.append(buffer)
        n.model.metadata.append(Metadata(name, buffer))
    return n


def names(n: Net) -> list[str | None]:
    return [entry.name for entry in n.model.metadata or ()]


def test_the_plan_goes_and_other_metadata_stays() -> None:
    copy = check_rule(planned("a", PLAN_NAME, "b").model, RULE, runners=[])
    assert [entry.name for entry in copy.metadata or ()] == ["a", "b"]


def test_leaves_other_metadata_alone() -> None:
    check_leaves_alone(planned("a", PLAN_NAME.lower()).model, RULE)
    check_leaves_alone(Net().model, RULE)


def test_the_pipeline_keeps_a_plan_while_nothing_changes() -> None:
    n = planned(PLAN_NAME)
    assert not run_pipeline(n.model, config=CONFIG).hits
    assert names(n) == [PLAN_NAME]


def test_the_pipeline_drops_a_plan_that_rules_made_stale() -> None:
    n = planned(PLAN_NAME, "a", noop=True)
    run_pipeline(n.model, config=CONFIG)
    assert names(n) == ["a"]


def test_compressed_models_are_refused() -> None:
    n = planned(COMPRESSED)
    with pytest.raises(UnsupportedError, match="before compressing"):
        run_pipeline(n.model)


@pytest.mark.parametrize("name", [PLAN_NAME, METADATA_NAME])
def test_disabled_it_refuses_what_would_be_stale(name: str) -> None:
    n = planned(name, noop=True)
    with pytest.raises(UsageError, match="--disable drop-stale-plan: the model's memory plan"):
        run_pipeline(n.model, Selection(disable=["drop-stale-plan"]), CONFIG)


def test_disabled_it_lets_pass_what_nothing_changed() -> None:
    n = planned(PLAN_NAME)
    assert not run_pipeline(n.model, Selection(disable=["drop-stale-plan"]), CONFIG).hits
    assert names(n) == [PLAN_NAME]


def test_it_runs_whatever_only_names() -> None:
    n = planned(PLAN_NAME, noop=True)
    assert run_pipeline(n.model, Selection(only=["remove-noop"]), CONFIG).counts[RULE.name] == 1
    assert names(n) == []


def test_dropped_names_leave_a_plan_as_it_is() -> None:
    n = planned(PLAN_NAME)
    n.graph.ops[0].output.name = "inner"
    trace = run_pipeline(n.model, Selection(only=["strip-names"]), Config())
    assert trace.counts == {"strip-names": 1}
    assert names(n) == [PLAN_NAME]


def test_another_order_makes_a_plan_stale() -> None:
    n = Net()
    x = n.feed(16, 64)
    wide = n.concat(*[x] * 8)
    small = n.add(x, x)
    n.output(n.add(small, n.slice(wide, (0, 0), (1, 64))))
    plan = np.array([1, 0, len(n.graph.values), *[-1] * len(n.graph.values)], "<i4")
    n.model.buffers.append(Buffer(plan.view(np.uint8)))
    n.model.metadata = [Metadata(PLAN_NAME, n.model.buffers[-1])]
    n.graph.ops = [n.graph.ops[1], n.graph.ops[0], *n.graph.ops[2:]]
    trace = run_pipeline(n.model, Selection(only=["reorder-operators"]), CONFIG)
    assert trace.counts == {"reorder-operators": 1, RULE.name: 1}
    assert names(n) == []
