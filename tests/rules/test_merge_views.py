"""``merge-views``: rewrites, declines, leaves alone, idempotent (the harness checks that)."""

from __future__ import annotations

import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.graphs import QUANT, Net
from tflopt.ir import DType, Model, OpCode
from tflopt.ir.options import ReshapeOptions
from tflopt.rules.constants.remove_noop import RemoveNoop
from tflopt.rules.pipeline import run_pipeline
from tflopt.rules.views.merge_views import MergeViews

pytestmark = pytest.mark.runtime
RULE = MergeViews()


def test_two_reshapes_become_one() -> None:
    check_rule(
        """
        graph(%0: i8[1,6]{0.05,3}) -> %4
          %1: i8[1,6]{0.05,3} = RELU(%0)
          %2: i8[2,3]{0.05,3} = RESHAPE(%1, [2, 3])
          %3: i8[3,2]{0.05,3} = RESHAPE(%2, [3, 2]) new_shape=[3, 2]
          %4: i8[3,2]{0.05,3} = RELU(%3)
        """,
        RULE,
        """
        graph(%0: i8[1,6]{0.05,3}) -> %3
          %1: i8[1,6]{0.05,3} = RELU(%0)
          %2: i8[3,2]{0.05,3} = RESHAPE(%1, [3, 2]) new_shape=[3, 2]
          %3: i8[3,2]{0.05,3} = RELU(%2)
        """,
        hits=1,
    )


@pytest.mark.parametrize("first", ["reshape", "expand", "squeeze"])
@pytest.mark.parametrize("second", ["reshape", "expand", "squeeze"])
def test_every_pair_of_views_becomes_one_reshape(first: str, second: str) -> None:
    n = Net()
    x = n.relu(n.feed(1, 1, 2, 3))
    for kind in (first, second):
        x = n.reshape(x, 1, 6) if kind == "reshape" else getattr(n, kind)(x, 0)
    n.output(n.relu(x))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["RELU", "RESHAPE", "RELU"]
    assert copy.main.ops[1].output.shape == x.shape


def test_a_long_chain_becomes_one() -> None:
    n = Net()
    x = n.relu(n.feed(1, 8))
    for shape in ((8, 1), (2, 4), (4, 2), (2, 2, 2)):
        x = n.reshape(x, *shape)
    n.output(n.relu(x))
    copy = check_rule(n.model, RULE)
    assert len(copy.main.ops) == 3


@pytest.mark.parametrize("views", ["reshape", "squeeze and expand"])
def test_conv1d_keeps_no_reshape_between_convolutions(views: str) -> None:
    """What Keras writes for Conv1D; both rules together leave nothing between the layers."""
    n = Net()
    x = n.feed(1, 8, 2)
    for channels in (4, 3, 5):
        image = n.reshape(x, 1, 1, *x.shape[1:]) if views == "reshape" else n.expand(x, 1)
        y = n.conv(image, channels)
        x = n.reshape(y, 1, 8, channels) if views == "reshape" else n.squeeze(y, 1)
    n.output(x)
    copy = check_rule(n.model, RULE, together_with=[RemoveNoop()])
    codes = [op.code.name for op in copy.main.ops]
    first = "RESHAPE" if views == "reshape" else "EXPAND_DIMS"
    last = "RESHAPE" if views == "reshape" else "SQUEEZE"
    assert codes == [first, "CONV_2D", "CONV_2D", "CONV_2D", last]
    run_pipeline(n.model)
    assert [op.code.name for op in n.model.main.ops[1:-1]] == ["CONV_2D"] * 3


def test_a_way_back_is_found_although_others_read_the_middle() -> None:
    n = Net()
    x = n.relu(n.feed(1, 6))
    middle = n.reshape(x, 2, 3)
    n.output(n.relu(n.reshape(middle, 1, 6)), n.relu(middle))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,6]{0.05,3}) -> %4, %5
          %1: i8[1,6]{0.05,3} = RELU(%0)
          %2: i8[2,3]{0.05,3} = RESHAPE(%1, [2, 3]) new_shape=[2, 3]
          %3: i8[1,6]{0.05,3} = RESHAPE(%1, [1, 6]) new_shape=[1, 6]
          %4: i8[1,6]{0.05,3} = RELU(%3)
          %5: i8[2,3]{0.05,3} = RELU(%2)
        """,
    )


def test_a_view_of_the_input_and_into_the_output() -> None:
    n = Net()
    n.output(n.reshape(n.reshape(n.feed(1, 6), 2, 3), 6))
    copy = check_rule(n.model, RULE, hits=1)
    assert copy.main.ops[0].inputs[0] is copy.main.inputs[0]


def test_to_a_scalar() -> None:
    n = Net()
    x = n.relu(n.feed(1, 1))
    n.output(n.relu(n.squeeze(n.squeeze(x, 0), 0)))
    check_rule(n.model, RULE, hits=1, runners=["tflm"])


def test_quantization_between_views_does_not_matter() -> None:
    n = Net()
    x = n.relu(n.feed(1, 6))
    n.output(n.relu(n.reshape(n.reshape(x, 2, 3, quant=(0.7, 9)), 6, quant=QUANT)))
    check_rule(n.model, RULE, hits=1)


def shared_middle(net: Net) -> None:
    middle = net.reshape(net.relu(net.feed(1, 6)), 2, 3)
    net.output(net.relu(net.reshape(middle, 3, 2)), net.relu(middle))


def output_in_the_middle(net: Net) -> None:
    middle = net.reshape(net.relu(net.feed(1, 6)), 2, 3)
    net.output(middle, net.relu(net.reshape(middle, 3, 2)))


def variable(net: Net) -> None:
    state = net.value((1, 6), DType.INT8, QUANT)
    state.is_variable = True
    net.output(net.relu(net.reshape(net.reshape(state, 2, 3), 6)))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (shared_middle, "another operator reads the view in between"),
        (output_in_the_middle, "another operator reads the view in between"),
        (variable, "it copies a variable that may change later"),
    ],
)
def test_declines(build: object, reason: str) -> None:
    n = Net()
    assert callable(build)
    build(n)
    check_declines(n.model, RULE, reason)


def test_leaves_single_views_alone() -> None:
    n = Net()
    n.output(n.relu(n.reshape(n.relu(n.reshape(n.feed(1, 6), 2, 3)), 6)))
    check_leaves_alone(n.model, RULE)


def test_a_computed_shape_goes_into_the_options() -> None:
    n = Net()
    x = n.relu(n.feed(1, 6))
    shape = n.input((2,), DType.INT32)
    middle = n.reshape(x, 6)
    out = n.op(OpCode.RESHAPE, [middle, shape], (2, 3), options=ReshapeOptions())
    n.output(n.relu(out))
    copy = check_rule(n.model, RULE, runners=[])
    assert copy.main.ops[1].options == ReshapeOptions((2, 3))
    assert len(copy.main.ops[1].inputs) == 1


def test_the_worklist_reaches_chains_made_by_other_rules() -> None:
    """A no-op between two views hides the chain until it is removed."""
    n = Net()
    x = n.relu(n.feed(1, 6))
    y = n.reshape(x, 2, 3)
    y = n.slice(y, [0, 0], [2, 3])
    n.output(n.relu(n.reshape(y, 6)))
    model: Model = n.model
    trace = apply(model, RULE, RemoveNoop())
    assert trace.counts["merge-views"] == 1
    assert trace.counts["remove-noop"] == 1


def test_a_dimension_that_litert_may_resize_stays_open() -> None:
    n = Net()
    x = n.relu(n.feed(1, 6))
    out = n.squeeze(n.expand(n.reshape(x, 2, 3), 0), 0)
    out.extra.shape_signature = (-1, 3)
    n.output(n.relu(out))
    copy = check_rule(n.model, RULE, runners=("tflm",))
    view = next(op for op in copy.main.ops if op.code is OpCode.RESHAPE)
    assert view.options == ReshapeOptions((-1, 3))
