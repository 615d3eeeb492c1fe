"""The package's ``dataclass`` does what the standard one does, and costs nothing until then."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, ClassVar

import pytest

import tflopt
from tests.support.paths import ROOT
from tflopt.data import OWN, dataclass

pytestmark = pytest.mark.unit
FEW = 20
"""Classes with slots, an order or a base of another kind, which the standard decorator makes."""


@dataclass(frozen=True)
class Point:
    """Two numbers."""

    x: int
    y: int = 2
    unit: ClassVar[str] = "m"


@dataclass(frozen=True)
class Named(Point):
    """A point with a name and a list that nobody compares."""

    name: str = field(default="p")
    seen: list[int] = field(default_factory=list, compare=False, repr=False)


@dataclass(frozen=True)
class Nothing:
    """No fields."""


@dataclass
class Box:
    """One that changes."""

    width: int
    area: int = 0

    def __post_init__(self) -> None:
        self.area = self.width**2


class Sub(Point):
    """No dataclass itself."""


@dataclass(eq=False)
class Alone:
    """Equal to itself only."""

    value: int


def test_of_equality_hash_and_text() -> None:
    assert Point(1) == Point(1, 2) != Point(2)
    assert Point(1) != Named(1)
    assert hash(Point(1)) == hash((1, 2)) == hash(Point(1, 2))
    assert repr(Point(1)) == "Point(x=1, y=2)"
    assert Named(1, seen=[1]) == Named(1, seen=[2])
    assert repr(Named(1)) == "Named(x=1, y=2, name='p')"
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(())
    assert Alone(1) != Alone(1)
    assert hash(Alone(1)) != hash(Alone(1))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Box(1))


def test_of_defaults() -> None:
    assert (Point.y, Named.name) == (2, "p")
    assert not hasattr(Named, "seen")
    assert Named(1).seen is not Named(1).seen
    assert Box(3).area == 9
    with pytest.raises(TypeError, match=r"Point.__init__\(\) missing 1 required .*: 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Point.__init__\(\) .* unexpected keyword argument 'z'"):
        Point(1, z=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="got multiple values for argument 'x'"):
        Point(1, x=2)  # type: ignore[misc]
    with pytest.raises(TypeError, match="takes 3 positional arguments but 4 were given"):
        Point(1, 2, 3)  # type: ignore[call-arg]


def test_frozen_stays_frozen() -> None:
    point: Any = Point(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    with pytest.raises(FrozenInstanceError):
        point.other = 2
    sub: Any = Sub(1)
    sub.other = 2  # as with the standard one
    with pytest.raises(FrozenInstanceError):
        sub.x = 2
    box = Box(1)
    box.area = 5
    assert box == replace(box, area=5) or box.area == 5


def test_what_the_standard_functions_take() -> None:
    assert replace(Named(1), x=5) == Named(5)
    assert [each.name for each in fields(Named)] == ["x", "y", "name", "seen"]
    assert dataclasses.asdict(Point(1)) == {"x": 1, "y": 2}
    assert is_dataclass(Nothing)
    assert not fields(Nothing)
    assert copy.deepcopy(Named(1)) == pickle.loads(pickle.dumps(Named(1))) == Named(1)
    assert str(inspect.signature(Point)) == "(x: 'int', y: 'int' = 2) -> None"
    match Point(3):
        case Point(3, y):
            assert y == 2


def test_bases_of_either_kind() -> None:
    @dataclasses.dataclass(frozen=True)
    class Standard(Named):
        last: int = 0

    @dataclass(frozen=True)
    class Again(Standard):
        more: int = 1

    assert repr(Again(1)).endswith("Again(x=1, y=2, name='p', last=0, more=1)")
    with pytest.raises(TypeError, match="frozen"):

        @dataclasses.dataclass
        class Loose(Point):  # type: ignore[misc]
            """Mixes what can be changed with what can't."""


def test_an_instance_of_another_process() -> None:
    """There the class may not have been used yet."""
    code = (
        "import sys, pickle; from tests.test_data import Named, Nothing;"
        "n, o = pickle.loads(sys.stdin.buffer.read());"
        "assert n == n and hash(o) == hash(()) and repr(n).startswith('Named(x=7'), n"
    )
    data = pickle.dumps((Named(7), Nothing()))
    subprocess.run([sys.executable, "-c", code], input=data, check=True, cwd=ROOT)


def test_threads_that_make_the_first_instances() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(50):

                @dataclass(frozen=True)
                class New:
                    value: int

                made = list(pool.map(lambda kind: (kind(1), fields(kind)), [New] * 8))
                assert all(point == New(1) for point, _ in made)
    finally:
        sys.setswitchinterval(before)


def every_class() -> Iterator[Any]:
    for module in walk_packages(tflopt.__path__, "tflopt."):
        if module.name.endswith(("__main__", ".run.guard", ".run.worker")):
            continue
        for each in vars(import_module(module.name)).values():
            if isinstance(each, type) and OWN in vars(each) and each.__module__ == module.name:
                yield each


def test_every_class_is_what_the_standard_decorator_makes_of_it() -> None:
    classes = list(every_class())
    assert len(classes) > 300
    for kind in classes:
        found = {each.name: each for each in fields(kind)}
        parameters = inspect.signature(kind).parameters
        assert list(parameters) == list(found) == list(kind.__match_args__), kind
        for name, each in found.items():
            has_none = each.default is dataclasses.MISSING
            if each.default_factory is dataclasses.MISSING:
                default = inspect.Parameter.empty if has_none else each.default
                assert parameters[name].default is default, (kind, name)


def test_nothing_is_compiled_for_them() -> None:
    """A model decides which classes are used; what is executed must not depend on it."""
    code = (
        "import sys, dataclasses, inspect; from dataclasses import fields, replace\n"
        "from tests.test_data import Box, Named\n"
        "sys.addaudithook(lambda e, a: seen.append(e) if e in ('exec', 'compile') else None)\n"
        "seen = []; repr(replace(Named(1, name='q'), x=2)); hash(Named(1)) ; Box(1)\n"
        "assert Named(1) == Named(1) and fields(Named) and not seen, seen"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_importing_makes_none() -> None:
    code = (
        "import dataclasses, numpy, sys; made = []; real = dataclasses._process_class\n"
        "def count(cls, *args):\n"
        "    made.append(cls.__module__); return real(cls, *args)\n"
        "dataclasses._process_class = count; import tflopt.cli.optimize\n"
        "print(sum(name.startswith('tflopt') for name in made))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT)
    assert int(done.stdout) <= FEW
