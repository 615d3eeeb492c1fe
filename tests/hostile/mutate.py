"""Hostile files from a seed: a valid model after some mutations."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.fuzz.generate import random_model
from tests.hostile.fields import mutate_content
from tests.hostile.raw import mutate_bytes
from tests.support.paths import ROOT
from tflopt.io import write_bytes

LARGEST_BYTES = 3600
"""Larger files of ``testdata/`` take more time and have nothing else to break."""
LARGEST_RANDOM_BYTES = 2048
OF_CONTENT = 0.6
"""Share of mutations that leave the file well formed; the others change its bytes."""
FROM_FILES = 0.4
"""Share of mutants of the files of ``testdata/``; the others come from random models."""
RANDOM_MODELS = 500
TRIES = 12
"""Random models that are drawn until one is small."""


@dataclass(frozen=True)
class Mutant:
    """A file, the valid one that it was made from, and what was done."""

    data: bytes
    source: bytes
    name: str
    mutations: tuple[str, ...]


@cache
def files() -> tuple[Path, ...]:
    """The small models of ``testdata/``."""
    found = sorted((ROOT / "testdata").glob("*/*.tflite"))
    return tuple(path for path in found if path.stat().st_size <= LARGEST_BYTES)


@cache
def _random_source(number: int) -> bytes:
    return write_bytes(random_model(number))


def _source(rng: random.Random) -> tuple[str, bytes]:
    if rng.random() < FROM_FILES:
        path = rng.choice(files())
        return path.stem, path.read_bytes()
    number = 0
    for _ in range(TRIES):
        number = rng.randrange(RANDOM_MODELS)
        if len(_random_source(number)) <= LARGEST_RANDOM_BYTES:
            break
    return f"random {number}", _random_source(number)


def mutant(seed: int) -> Mutant:
    """The mutant of a seed; the same on every machine and in every process."""
    rng = random.Random(seed)
    name, source = _source(rng)
    if rng.random() < OF_CONTENT:
        data, mutations = mutate_content(source, rng)
    else:
        data, mutations = mutate_bytes(source, rng.choice(files()).read_bytes(), rng)
    return Mutant(data, source, name, tuple(mutations))
