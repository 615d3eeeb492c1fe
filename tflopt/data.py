"""``dataclass`` as the standard library has it, but made when the class is first used.

The standard one writes and compiles up to six functions for each class while its module is
loaded: more than half of the time that ``tflopt`` took to start. Here ``__init__`` alone is
compiled, once an instance is made; the others need no code of their own. What only the standard
one can make (``__dataclass_fields__`` and so on) is asked of it, of a twin, when it is read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from reprlib import recursive_repr
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> object:
        """The decorator; takes what the standard one takes."""

        def wrap(kind: type) -> type:
            return standard(kind, options) if _is_special(kind, options) else _later(kind, options)

        return wrap if cls is None else wrap(cls)


KNOWN = frozenset({"frozen", "eq", "repr"})
READ = ("__dataclass_fields__", "__dataclass_params__", "__match_args__", "__signature__")
"""What is asked of a class rather than of an instance."""
KEPT = ("__module__", "__qualname__", "__orig_bases__")
OWN = "_own_fields"
"""The annotations that are fields, with their defaults; inherited ones are not among them."""
Method = Callable[..., Any]
Fields = dict[str, object]
_lock = RLock()


def standard(kind: type, options: Mapping[str, bool]) -> type:
    """What the standard decorator makes of a class."""
    made: Any = dataclasses.dataclass
    result: type = made(**options)(kind)
    return result


def _is_special(kind: type, options: Mapping[str, bool]) -> bool:
    """Whether the standard decorator takes over: other options, or bases that it made."""
    bases = kind.__mro__[1:-1]
    theirs = any("__dataclass_fields__" in vars(base) and OWN not in vars(base) for base in bases)
    plain: object = object.__new__
    made = kind.__new__ is plain or issubclass(kind, Exception)
    own = "__init__" in vars(kind)
    return theirs or own or not made or not options.keys() <= KNOWN or not _are_plain(kind)


def _declared(kind: type) -> Fields:
    return {name: vars(kind).get(name, MISSING) for name in _annotations(kind)}


def _annotations(kind: type) -> dict[str, object]:
    found: dict[str, object] = vars(kind).get("__annotations__", {})
    return {
        name: each
        for name, each in found.items()
        if not str(each).startswith(("ClassVar", "typing.ClassVar"))
    }


def _are_plain(kind: type) -> bool:
    given = [each for each in _declared(kind).values() if isinstance(each, Field)]
    special = any(
        str(each).startswith(("InitVar", "KW_ONLY")) for each in _annotations(kind).values()
    )
    usual = (each.init and each.hash is None and each.kw_only is MISSING for each in given)
    return not special and all(usual)


def _later(kind: type, options: Mapping[str, bool]) -> type:
    fields = _declared(kind)
    setattr(kind, OWN, fields)
    for name, default in fields.items():
        if isinstance(default, Field):
            if default.default is MISSING:
                delattr(kind, name)
            else:
                setattr(kind, name, default.default)
    for name, method in _methods(kind, options).items():
        if name not in vars(kind):
            setattr(kind, name, method)
    make = _reader(kind, options)
    for name in READ:
        setattr(kind, name, _Asked(name, make))
    return kind


def _all_fields(kind: type) -> Fields:
    found: Fields = {}
    for base in reversed(kind.__mro__):
        found |= vars(base).get(OWN, {})
    return found


def _methods(kind: type, options: Mapping[str, bool]) -> dict[str, Method | None]:
    made: dict[str, Method | None] = {"__init__": _init(kind)}
    if options.get("repr", True):
        made["__repr__"] = _repr(kind)
    if options.get("eq", True):
        made["__eq__"], made["__hash__"] = _eq_and_hash(kind)
        if not options.get("frozen"):
            made["__hash__"] = None
    if options.get("frozen"):
        made["__setattr__"], made["__delattr__"] = _frozen(kind)
    return made


def _init(kind: type) -> Method:
    def __init__(self: object, *values: object, **named: object) -> None:
        if getattr(vars(kind)["__init__"], "is_stub", False):
            _compile_init(kind)
        vars(kind)["__init__"](self, *values, **named)

    __init__.__dict__["is_stub"] = True
    return __init__


def _compile_init(kind: type) -> None:
    """``__init__`` with a parameter for each field; it replaces the one that was called."""
    values: dict[str, object] = {"_set": object.__setattr__, "_missing": MISSING}
    parameters, lines = ["self"], []
    annotations: dict[str, object] = {"return": None}
    for base in reversed(kind.__mro__):
        annotations |= _annotations(base) if OWN in vars(base) else {}
    for name, default in _all_fields(kind).items():
        value = default.default if isinstance(default, Field) else default
        if isinstance(default, Field) and default.default_factory is not MISSING:
            values[f"_make_{name}"] = default.default_factory
            parameters.append(f"{name}=_missing")
            lines.append(f"_set(self, {name!r}, _make_{name}() if {name} is _missing else {name})")
            continue
        values[f"_default_{name}"] = value
        parameters.append(name if value is MISSING else f"{name}=_default_{name}")
        lines.append(f"_set(self, {name!r}, {name})")
    if hasattr(kind, "__post_init__"):
        lines.append("self.__post_init__()")
    code = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"])
    exec(code, values)
    method: Any = values["__init__"]
    method.__qualname__ = f"{kind.__qualname__}.__init__"
    method.__annotations__ = annotations
    setattr(kind, "__init__", method)  # noqa: B010 (mypy takes an assignment for a mistake)


def _shown(kind: type, field: str) -> list[str]:
    """The fields that are compared or printed."""
    found = _all_fields(kind).items()
    return [name for name, each in found if not isinstance(each, Field) or getattr(each, field)]


def _repr(kind: type) -> Method:
    @recursive_repr()
    def __repr__(self: object) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in _shown(kind, "repr"))
        return f"{type(self).__qualname__}({', '.join(shown)})"

    return __repr__


def _eq_and_hash(kind: type) -> tuple[Method, Method]:
    get: Callable[[Any], object] | None = None

    def values(self: object) -> object:
        nonlocal get
        if get is None:
            names = _shown(kind, "compare")
            get = attrgetter(*names) if names else lambda _: ()
            if len(names) == 1:
                one = get
                get = lambda each: (one(each),)  # noqa: E731 (a tuple as with more fields)
        return get(self)

    def __eq__(self: object, other: object) -> object:
        return values(self) == values(other) if type(self) is type(other) else NotImplemented

    def __hash__(self: object) -> int:
        return hash(values(self))

    return __eq__, __hash__


def _frozen(kind: Any) -> tuple[Method, Method]:  # noqa: ANN401 (mypy wants a class by name)
    def refuse(self: object, name: str, verb: str) -> None:
        if type(self) is kind or name in _all_fields(kind):
            raise FrozenInstanceError(f"cannot {verb} field {name!r}")

    def __setattr__(self: object, name: str, value: object) -> None:
        refuse(self, name, "assign to")
        super(kind, self).__setattr__(name, value)

    def __delattr__(self: object, name: str) -> None:
        refuse(self, name, "delete")
        super(kind, self).__delattr__(name)

    return __setattr__, __delattr__


class _Asked:
    """An attribute of a class that is made when it is read."""

    def __init__(self, name: str, make: Callable[[], None]) -> None:
        self.name = name
        self.make = make

    def __get__(self, _: object, owner: type) -> object:
        self.make()
        return getattr(owner, self.name)


def _reader(kind: type, options: Mapping[str, bool]) -> Callable[[], None]:
    is_made = False

    def make() -> None:
        nonlocal is_made
        with _lock:
            if is_made:
                return
            _compile_init(kind)
            own = vars(kind)[OWN]
            given = {name: each for name, each in own.items() if each is not MISSING}
            kept = {name: vars(kind)[name] for name in KEPT if name in vars(kind)}
            body = {"__annotations__": kind.__annotations__, **kept, **given}
            quiet = {**options, "repr": False, "eq": False, "init": False}
            twin = standard(type(kind.__name__, kind.__bases__, body), quiet)
            delattr(kind, "__signature__")
            for name in READ[:-1]:
                setattr(kind, name, getattr(twin, name))
            is_made = True

    return make
