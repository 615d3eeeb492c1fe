"""Tensors that a user fixes in the arena."""

from __future__ import annotations

from dataclasses import replace

from tflopt.errors import UsageError
from tflopt.ir import Model
from tflopt.product.settings import Settings
from tflopt.target.quantities import parse_size


def with_pins(settings: Settings, model: Model) -> Settings:
    """The settings with the tensors of this model pinned that they name; the names are kept.

    Raises:
        UsageError: there is no such tensor.
    """
    config = settings.config
    if config.plan is None or not settings.pins:
        return settings
    pins = tuple(parse_pin(text, model) for text in settings.pins)
    keep = config.keep | {name for name, _ in pins}
    return replace(
        settings, config=replace(config, keep=keep, plan=replace(config.plan, pins=pins))
    )


def parse_pin(text: str, model: Model) -> tuple[str, int]:
    """``TENSOR=OFFSET`` ; the name is one of the input model.

    Raises:
        UsageError: malformed, or there is no such tensor in the main graph.
    """
    name, equals, offset = text.rpartition("=")
    names = [value.name for value in model.main.values]
    if not equals or name not in names:
        raise UsageError(f"--pin {text}: write TENSOR=OFFSET with the name of a tensor")
    return name, parse_size(offset)
