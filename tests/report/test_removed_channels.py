"""Which channels went, why, and where their constants are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.report.test_report_schema import problems
from tests.rules.test_merge_twin_channels import halved
from tests.support.check_rule import apply
from tests.support.cli import Cli
from tests.support.kit import Kit
from tests.support.planted import ignore, kill, saturate, twin
from tests.support.worth import Free
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Activation, Model
from tflopt.report.removed_channels import Gone, RemovedChannels, Why, removed_channels
from tflopt.rules.channels.fold_constant_values import FoldConstantValues
from tflopt.rules.channels.merge_twin_channels import MergeTwinChannels
from tflopt.rules.channels.remove_channels import RemoveChannels
from tflopt.rules.constants.remove_dead import RemoveDead

pytestmark = pytest.mark.unit


def every_reason() -> Model:
    """Channels 0 and 1 are constant, 2 is saturated, 3 unread, 5 as 4, and 6 leads to nothing."""
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 9, (1, 1), activation=Activation.RELU)
    kill(x, [0, 1])
    saturate(x, [0], 400)
    saturate(x, [1, 2])
    twin(x, 5, 4)
    y = n.depthwise(x, (1, 1))
    twin(y, 5, 4)
    saturate(y, [6])
    z = halved(n.conv2d(y, 4, (1, 1)))
    ignore(z, [3])
    n.output(z)
    return n.model


def removed(model: Model) -> list[RemovedChannels]:
    original, copy = (read_bytes(write_bytes(model)) for _ in range(2))
    rules = MergeTwinChannels(), FoldConstantValues(), RemoveChannels(Free()), RemoveDead()
    apply(copy, *rules)
    return removed_channels(original, copy)


def test_every_reason() -> None:
    first, second = removed(every_reason())
    assert (first.operator, first.index, first.before, first.after) == ("CONV_2D", 0, 9, 3)
    assert [(each.why, each.channels) for each in first.gone] == [
        (Why.CONSTANT, (0, 1)),
        (Why.SATURATED, (2,)),
        (Why.UNREAD, (3,)),
        (Why.TWIN, (5,)),
        (Why.UNNEEDED, (6,)),
    ]
    constant = first.gone[0].values
    assert constant[0] > constant[1] == 3  # RELU of a bias, and of nothing: the zero point
    assert first.gone[3] == Gone(Why.TWIN, (5,), twins=(4,))
    assert first.into == second.into == (2,)
    assert not first.stored
    assert (second.operator, second.after) == ("DEPTHWISE_CONV_2D", 3)


def test_a_layer_that_is_stored() -> None:
    n = Kit()
    x = n.fully_connected(n.feed(1, 9), 4, activation=Activation.RELU)
    saturate(x, range(4))
    n.output(n.fully_connected(x, 3), n.fully_connected(n.feed(1, 8), 2))
    first, *_ = removed(n.model)
    assert (first.after, first.stored, first.into) == (0, True, ())
    assert first.gone == (Gone(Why.SATURATED, (0, 1, 2, 3), values=(3, 3, 3, 3)),)


def test_nothing_went() -> None:
    n = Kit()
    n.output(n.conv2d(n.feed(1, 6, 5, 3), 4))
    assert removed(n.model) == []


def test_in_the_report_and_on_the_screen(cli: Cli, tmp_path: Path) -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 20, 20, 3), 32, (1, 1), activation=Activation.RELU)
    saturate(x, [0, 1, 2, 7, *range(16, 32)])
    n.output(n.conv2d(x, 8))
    (tmp_path / "m.tflite").write_bytes(write_bytes(n.model))
    arguments = ["optimize", str(tmp_path / "m.tflite"), "-o", str(tmp_path / "o.tflite")]
    done = cli(*arguments, "--no-verify", "--explain", "--report", str(tmp_path / "r.json"))
    assert "CONV_2D 0" in done.out
    assert "0-2, 7, 16-31: its sum never leaves the clamp" in " ".join(done.out.split())
    assert "is in the bias of operator 1" in " ".join(done.out.split())
    report = json.loads((tmp_path / "r.json").read_text())
    assert problems(report) == []
    (row,) = report["channels"]
    assert (row["before"], row["after"], row["constants_in"], row["stored"]) == (32, 12, [1], False)
    (gone,) = row["removed"]
    assert gone["reason"] == "saturated"
    assert gone["channels"] == [0, 1, 2, 7, *range(16, 32)]
    assert set(gone["values"]) == {3}
