"""Why a rule declines: a code, a message with its numbers, and what a user can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Number = int | float | str


class Why(Enum):
    """A kind of obstacle: its code, the advice on it, and whether that is something to do.

    Called with a message it gives a :class:`Reason`: ``Why.SHARED("another operator reads it")``.
    """

    OTHER = "other", "No option changes this.", False
    NO_GAIN = "no-gain", "No change: the current form is better.", False
    WRONG_KERNEL = "wrong-kernel", "The target computes the other form wrongly.", False
    CHEAPEST = "cheapest", "This copy is in the cheapest place.", False
    CHEAPER_ORDER = "cheaper-order", "The current order is the cheaper one.", False
    UNEVEN = (
        "uneven-padding",
        "Only padding as SAME adds it can fold: even, or one more behind than in front.",
        False,
    )
    ROUNDS = "rounds", "The other operator rounds differently: outputs would change.", False
    VARIABLE = "variable", "It keeps the state as it was; it has to stay.", False
    ONE_ARRANGEMENT = "one-arrangement", "This operator takes one arrangement only.", False
    IO_LAYOUT = (
        "io-layout",
        "Add --io-layout nhwc, and let the firmware arrange the data.",
        True,
    )
    OVER_BUDGET = (
        "over-budget",
        "Where arena or flash has room, another --goal may take the other form.",
        True,
    )
    OTHER_GOAL = (
        "other-goal",
        "The current form is better; another --goal may decide otherwise.",
        True,
    )
    LITERT = (
        "litert",
        "Add --runtime tflm where LiteRT needn't give what it gave for the original.",
        True,
    )
    REQUANTIZES = (
        "requantizes",
        "Put the activation straight behind the layer, so that the converter fuses it.",
        True,
    )
    NEAREST = (
        "not-equal",
        "If such a difference is acceptable, --allow-lsb N takes the nearest integer form.",
        True,
    )
    NOT_QUANTIZED = (
        "not-quantized",
        "Convert with full integer quantization, inputs and outputs included.",
        True,
    )
    QUANTIZATION = (
        "quantization",
        "Give both tensors one scale and zero point when the model is quantized.",
        True,
    )
    OPEN_SHAPE = "open-shape", "Convert with fixed shapes, the batch included.", True
    COMPUTED = "computed", "Make the computed input a constant in the source model.", True
    SHARED = (
        "shared",
        "If the other reader can go from the source model, this can be rewritten.",
        True,
    )
    INTERFACE = (
        "interface",
        "The caller sees this tensor; where it needn't, drop it from the model's interface.",
        True,
    )
    AXES = (
        "axes",
        "Where the source model flattens or splits axes here, do it nearer to its end.",
        True,
    )

    def __init__(self, code: str, advice: str, can_act: bool) -> None:
        self.code = code
        self.advice = advice
        self.can_act = can_act

    def __call__(self, message: str, **numbers: Number) -> Reason:
        """A reason of this kind; ``{name}`` in the message stands for a number."""
        return Reason(self, message, tuple(numbers.items()))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a pattern is left alone; ``message`` is the same wherever only the numbers differ."""

    why: Why
    message: str
    numbers: tuple[tuple[str, Number], ...] = ()

    def __str__(self) -> str:
        return self.message.format(**dict(self.numbers)) if self.numbers else self.message

    @property
    def head(self) -> str:
        """What the message says before its numbers, where a colon parts them; else nothing."""
        lead, colon, _ = self.message.partition(": ")
        return lead if self.numbers and colon and "{" not in lead else ""


COPIES_VARIABLE = Why.VARIABLE("it copies a variable that may change later")
BETWEEN_PORTS = Why.INTERFACE("it stands between an input or constant of the model and an output")


def reason_of(reason: Reason | str) -> Reason:
    """Words alone are a reason about which a user can do nothing."""
    return reason if isinstance(reason, Reason) else Reason(Why.OTHER, reason)


def why_of(code: str) -> Why:
    """The kind of that code; OTHER for one that this version doesn't know."""
    return next((why for why in Why if why.code == code), Why.OTHER)
