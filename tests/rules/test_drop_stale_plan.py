"""``drop-stale-plan``, and when the pipeline runs it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.graphs import Net
from tflopt.config import Config, Strip
from tflopt.errors import UnsupportedError
from tflopt.ir import Buffer, Metadata
from tflopt.rules.memory.drop_stale_plan import PLAN, DropStalePlan
from tflopt.rules.pipeline import COMPRESSED, run_pipeline

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
    copy = check_rule(planned("a", PLAN, "b").model, RULE, runners=[])
    assert [entry.name for entry in copy.metadata or ()] == ["a", "b"]


def test_leaves_other_metadata_alone() -> None:
    check_leaves_alone(planned("a", PLAN.lower()).model, RULE)
    check_leaves_alone(Net().model, RULE)


def test_the_pipeline_keeps_a_plan_while_nothing_changes() -> None:
    n = planned(PLAN)
    assert not run_pipeline(n.model, config=CONFIG).hits
    assert names(n) == [PLAN]


def test_the_pipeline_drops_a_plan_that_rules_made_stale() -> None:
    n = planned(PLAN, "a", noop=True)
    run_pipeline(n.model, config=CONFIG)
    assert names(n) == ["a"]


def test_compressed_models_are_refused() -> None:
    n = planned(COMPRESSED)
    with pytest.raises(UnsupportedError, match="before compressing"):
        run_pipeline(n.model)
