"""``dataclass`` as the standard library has it, without code that is written and compiled.

The standard one compiles up to six functions for each class while its module is loaded: more than
half of the time that ``tflopt`` took to start. Here all classes share theirs, and what is asked of
a class (``__dataclass_fields__`` and so on) is made by the standard one when it is first read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from reprlib import recursive_repr
from threading import RLock
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> object:
        """The decorator; takes what the standard one takes."""

        def wrap(kind: type) -> type:
            return _standard(kind, options) if _is_special(kind, options) else _own(kind, options)

        return wrap if cls is None else wrap(cls)


KNOWN = frozenset({"frozen", "eq", "repr"})
READ = ("__dataclass_fields__", "__dataclass_params__", "__match_args__")
"""What is asked of a class rather than of an instance."""
OWN = "_own_fields"
"""The annotations that are fields, with their defaults; inherited ones are not among them."""
Method = Callable[..., Any]
Fields = dict[str, object]
_lock = RLock()
_set = object.__setattr__


def _standard(kind: type, options: Mapping[str, bool]) -> type:
    decorate: Any = dataclasses.dataclass
    made: type = decorate(**options)(kind)
    return made


def _is_special(kind: type, options: Mapping[str, bool]) -> bool:
    """Whether the standard decorator takes over: other options, or bases that it made."""
    bases = kind.__mro__[1:-1]
    theirs = any("__dataclass_fields__" in vars(base) and OWN not in vars(base) for base in bases)
    usual: object = object.__new__
    is_made = kind.__new__ is usual or issubclass(kind, Exception)
    own = "__init__" in vars(kind)
    return theirs or own or not is_made or not options.keys() <= KNOWN or not _are_plain(kind)


def _declared(kind: type) -> Fields:
    return {name: vars(kind).get(name, MISSING) for name in _annotations(kind)}


def _annotations(kind: type) -> dict[str, object]:
    found: dict[str, object] = vars(kind).get("__annotations__", {})
    skipped = ("ClassVar", "typing.ClassVar")
    return {name: each for name, each in found.items() if not str(each).startswith(skipped)}


def _are_plain(kind: type) -> bool:
    given = [each for each in _declared(kind).values() if isinstance(each, Field)]
    texts = map(str, _annotations(kind).values())
    special = any(text.startswith(("InitVar", "KW_ONLY")) for text in texts)
    usual = (each.init and each.hash is None and each.kw_only is MISSING for each in given)
    return not special and all(usual)


def _own(kind: type, options: Mapping[str, bool]) -> type:
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
    for name in READ:
        setattr(kind, name, _Asked(kind, name, bool(options.get("frozen"))))
    setattr(kind, "__signature__", _Signature(kind))  # noqa: B010 (mypy knows no such name)
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
    fields = _all_fields(kind)
    values = {k: v.default if isinstance(v, Field) else v for k, v in fields.items()}
    defaults = {name: value for name, value in values.items() if value is not MISSING}
    makers: dict[str, Callable[[], object]] = {
        name: each.default_factory
        for name, each in fields.items()
        if isinstance(each, Field) and each.default_factory is not MISSING
    }
    names, count = tuple(fields), len(fields)
    finishes = hasattr(kind, "__post_init__")

    def __init__(self: Any, *given: object, **named: object) -> None:  # noqa: ANN401
        if named or len(given) != count:
            known = defaults | dict(zip(names, given, strict=False)) | named
            known |= {name: make() for name, make in makers.items() if name not in known}
            repeats = len(given) > count or any(name in named for name in names[: len(given)])
            if repeats or known.keys() != fields.keys():
                _complain(kind, fields, given, named)
            for name in names:
                _set(self, name, known[name])
        else:
            for name, value in zip(names, given, strict=True):
                _set(self, name, value)
        if finishes:
            self.__post_init__()

    return __init__


def _complain(
    kind: type, fields: Fields, given: tuple[object, ...], named: Mapping[str, object]
) -> NoReturn:
    """Say which arguments don't fit, in Python's words."""
    who, names = f"{kind.__qualname__}.__init__()", list(fields)
    if len(given) > len(names):
        takes, got = len(names) + 1, len(given) + 1
        raise TypeError(f"{who} takes {takes} positional arguments but {got} were given")
    for name in named:
        if name not in fields:
            raise TypeError(f"{who} got an unexpected keyword argument {name!r}")
        if name in names[: len(given)]:
            raise TypeError(f"{who} got multiple values for argument {name!r}")
    needed = [name for name in names[len(given) :] if fields[name] is MISSING and name not in named]
    many, listed = "s" if len(needed) > 1 else "", ", ".join(map(repr, needed))
    raise TypeError(f"{who} missing {len(needed)} required positional argument{many}: {listed}")


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
            if len(names) > 1:
                get = attrgetter(*names)
            else:
                get = lambda each: tuple(getattr(each, name) for name in names)  # noqa: E731
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

    def __init__(self, kind: type, name: str, frozen: bool) -> None:
        self.kind = kind
        self.name = name
        self.frozen = frozen

    def __get__(self, _: object, owner: type) -> object:
        with _lock:
            if vars(self.kind)[self.name] is self:
                twin = _twin(self.kind, {"init": False})
                twin.__dataclass_params__.frozen = self.frozen
                for name in READ:
                    setattr(self.kind, name, getattr(twin, name))
        return getattr(owner, self.name)


class _Signature:
    """What editors and notebooks ask; a subclass may take other arguments."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __get__(self, _: object, owner: type) -> object:
        if owner is not self.kind:
            raise AttributeError("__signature__")
        import inspect

        return inspect.signature(_twin(self.kind, {}))


def _twin(kind: type, options: Mapping[str, bool]) -> Any:  # noqa: ANN401 (has no type of its own)
    """What the standard decorator makes of a class with the same fields and nothing else."""
    annotations: dict[str, object] = {}
    for base in reversed(kind.__mro__):
        annotations |= _annotations(base) if OWN in vars(base) else {}
    given = {name: each for name, each in _all_fields(kind).items() if each is not MISSING}
    body = {"__annotations__": annotations, "__module__": kind.__module__, "__doc__": "Twin."}
    plain = type(kind.__name__, (), {**body, **given})
    return _standard(plain, {"repr": False, "eq": False, **options})
