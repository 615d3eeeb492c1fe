from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np
import numpy.typing as npt
import pytest

from tflopt.layout.labels import Label, Step, order_of, plan_steps, shape_of

pytestmark = pytest.mark.unit
SIZES = {0: 2, 1: 3, 2: 4}


def labels(axes: int, ranks: tuple[int, ...]) -> list[Label]:
    """All labels of that many axes with these ranks."""
    found: list[Label] = []
    for rank in ranks:
        for places in combinations(range(rank), axes):
            for order in permutations(range(axes)):
                items: list[int | None] = [None] * rank
                for place, axis in zip(places, order, strict=True):
                    items[place] = axis
                found.append(tuple(items))
    return found


def one_copy(source: Label, target: Label) -> bool:
    if order_of(source) == order_of(target):
        return True
    return len(source) == len(target) and 3 <= len(source) <= 4


def fewest(produced: Label, wanted: set[Label], known: list[Label]) -> int:
    """By trying all sets of labels in between."""
    for extra in range(4):
        for between in combinations([k for k in known if k not in wanted], extra):
            made, todo = {produced}, {*wanted, *between} - {produced}
            while todo:
                step = next((t for t in todo if any(one_copy(m, t) for m in made)), None)
                if step is None:
                    break
                made.add(step)
                todo.remove(step)
            if not todo:
                return len(made) - 1
    raise AssertionError("no way")


def cases(seed: int) -> Iterator[tuple[Label, set[Label], list[Label]]]:
    rng = np.random.default_rng(seed)
    known = labels(2, (2, 3, 4))
    for _ in range(25):
        count = int(rng.integers(1, 4))
        chosen = [known[int(i)] for i in rng.integers(0, len(known), count + 1)]
        yield chosen[0], set(chosen[1:]), known


@pytest.mark.parametrize("seed", range(20))
def test_the_fewest_copies(seed: int) -> None:
    for produced, wanted, known in cases(seed):
        steps = plan_steps(produced, sorted(wanted, key=str))
        assert len(steps) == fewest(produced, wanted, known), (produced, wanted)


@pytest.mark.parametrize("seed", range(20))
def test_the_copies_make_what_is_wanted(seed: int) -> None:
    data = {label: array_of(label) for label in labels(2, (2, 3, 4))}
    for produced, wanted, _ in cases(seed):
        made = {produced: data[produced]}
        for step in plan_steps(produced, wanted):
            source = made[step.source]
            if step.is_view:
                made[step.target] = source.reshape(shape_of(step.target, SIZES))
            else:
                assert len(step.source) in (3, 4), "rank 2 is computed wrongly"
                made[step.target] = source.transpose(step.permutation)
        assert wanted <= set(made)
        for label, array in made.items():
            assert np.array_equal(array, array_of(label)), label


def array_of(label: Label) -> npt.NDArray[np.int64]:
    """Elements that name their indices."""
    base: npt.NDArray[np.int64] = np.arange(6, dtype=np.int64).reshape(2, 3)
    moved: npt.NDArray[np.int64] = base.transpose(order_of(label))
    return np.reshape(moved, shape_of(label, SIZES))


def test_nothing_to_do() -> None:
    assert plan_steps((None, 0), [(None, 0)]) == ()


def test_a_view_before_a_transpose_of_other_rank() -> None:
    assert plan_steps((0, 1), [(1, 0)]) == (
        Step((0, 1), (None, 0, 1)),
        Step((None, 0, 1), (None, 1, 0)),
        Step((None, 1, 0), (1, 0)),
    )


def test_five_axes() -> None:
    source: Label = (0, 1, 2, 3, 4)
    assert plan_steps(source, [(0, 1, 2, 4, 3)]) == (Step(source, (0, 1, 2, 4, 3)),)
