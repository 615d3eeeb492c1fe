"""Examples: views, transposes, concatenations, slices, and what nothing reads."""

from __future__ import annotations

from tests.support.hazards import M4
from tests.support.kit import Kit
from tests.support.rule_examples.example import TFLM, example
from tflopt.ir import OpCode, Value
from tflopt.ir.options import MirrorPadOptions, PackOptions
from tflopt.rules.defects.flatten_fully_connected import FlattenFullyConnected
from tflopt.rules.defects.merge_transposed_axes import MergeTransposedAxes


@example()
def remove_dead(n: Kit) -> Value:
    x = n.feed(1, 8)
    n.softmax(x)
    return n.relu(x)


@example()
def assign_layouts(n: Kit) -> Value:
    """PyTorch's order of axes around a convolution and an addition."""
    x = n.transpose(n.conv2d(n.feed(1, 6, 6, 4), 4), 0, 3, 1, 2)
    y = n.relu(n.add(x, n.transpose(n.feed(1, 6, 6, 4), 0, 3, 1, 2)))
    return n.conv2d(n.transpose(y, 0, 2, 3, 1), 4)


@example()
def merge_views(n: Kit) -> Value:
    return n.squeeze(n.reshape(n.feed(2, 6), 1, 12), 0)


@example()
def sink_view(n: Kit) -> Value:
    return n.relu(n.reshape(n.add(x := n.feed(2, 3, 4), x), 6, 4))


@example()
def merge_concatenations(n: Kit) -> Value:
    x, y, z = n.feed(1, 2), n.feed(1, 3), n.feed(1, 4)
    return n.concat(n.concat(x, y, axis=1), z, axis=1)


@example()
def rejoin_slices(n: Kit) -> Value:
    """Both halves, and what is computed from one: a block of YOLO."""
    x = n.relu(n.feed(1, 4, 4, 8))
    first, second = (n.slice(x, [0, 0, 0, at], [1, 4, 4, 4]) for at in (0, 4))
    return n.concat(first, second, n.relu(second), axis=3)


@example()
def merge_transposes(n: Kit) -> Value:
    return n.transpose(n.transpose(n.feed(1, 2, 3, 4), 0, 2, 3, 1), 0, 2, 1, 3)


@example()
def transpose_to_reshape(n: Kit) -> Value:
    return n.relu(n.transpose(n.relu(n.feed(1, 1, 8, 3)), 0, 2, 1, 3))


@example()
def fold_view_into_fully_connected(n: Kit) -> Value:
    return n.dense(n.reshape(n.feed(1, 4, 4, 2), 1, 32), 10)


@example()
def remove_noop(n: Kit) -> Value:
    return n.relu(n.reshape(n.relu(n.feed(1, 8)), 1, 8))


@example()
def merge_slices(n: Kit) -> Value:
    return n.slice(n.slice(n.feed(4, 8), [1, 2], [3, 5]), [1, 1], [2, 3])


@example()
def rewrite_slice(n: Kit) -> Value:
    """The last rows of a window."""
    return n.strided(n.feed(1, 9, 1, 16), [0, 1, 0, 0], [1, 9, 1, 16])


@example()
def mirror_pad_to_gather(n: Kit) -> Value:
    x = n.feed(1, 5, 4, 3)
    inputs = [x, n.constant([[0, 0], [1, 1], [2, 2], [0, 0]])]
    options = MirrorPadOptions(0)
    return n.op(OpCode.MIRROR_PAD, inputs, (1, 7, 8, 3), options=options, version=2)


@example()
def hoist_slice(n: Kit) -> Value:
    return n.slice(n.relu(n.feed(1, 10, 4)), [0, 2, 0], [1, 5, 4])


@example(MergeTransposedAxes(M4), runners=TFLM)
def merge_transposed_axes(n: Kit) -> Value:
    """A channel shuffle."""
    return n.transpose(n.feed(1, 3, 4, 2, 6), 0, 1, 2, 4, 3)


@example(FlattenFullyConnected(M4), runners=TFLM)
def flatten_fully_connected(n: Kit) -> Value:
    y = n.fully_connected(n.feed(1, 6, 8), 4, keep_num_dims=True)
    return n.reshape(y, 1, 24)


@example()
def pack_to_reshape(n: Kit) -> Value:
    x = n.relu(n.feed(2, 3))
    options = PackOptions(values_count=1, axis=1)
    return n.relu(n.op(OpCode.PACK, [x], (2, 1, 3), options=options, version=2))


@example()
def reduce_to_view(n: Kit) -> Value:
    return n.relu(n.reduce(OpCode.MEAN, n.relu(n.feed(1, 1, 1, 8)), [1, 2], keep=False))


@example()
def merge_duplicates(n: Kit) -> Value:
    x = n.feed(1, 4, 4, 2)
    one, two = (n.pool(OpCode.MAX_POOL_2D, x, (2, 2)) for _ in range(2))
    return n.concat(one, two, axis=3)


@example()
def reorder_operators(n: Kit) -> Value:
    """The given order widens two branches before it narrows one."""
    x = n.feed(1, 4, 4, 4)
    wide = [n.pad(x, (0, 0), (0, 0), (0, 0), (0, 60)) for _ in range(2)]
    one, two = (n.slice(y, [0, 0, 0, begin], [1, 4, 4, 4]) for begin, y in enumerate(wide))
    return n.add(one, two)
