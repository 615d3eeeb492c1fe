"""A run with other options goes on from where they first matter, and comes to the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.growth import mixed
from tests.support.paths import TESTDATA
from tflopt.config import Config, Goal, Limits, Runtime
from tflopt.facts import large
from tflopt.io import write_bytes
from tflopt.io.files import load
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.rewrite.watch import Event, Moment
from tflopt.rules.course import KEPT, Course
from tflopt.rules.phases import PHASES
from tflopt.rules.pipeline import Selection, go_on, run_pipeline
from tflopt.target.kernel_sets import THIS_ISA
from tflopt.target.memory import PlanRequest

pytestmark = pytest.mark.unit
CONFIG, ALL = Config(), Selection()
FOR_TFLM = replace(CONFIG, runtime=Runtime.TFLM)
OVERLAP = replace(CONFIG, plan=PlanRequest(overlap=THIS_ISA))


def model_of(name: str) -> Model:
    return load(TESTDATA / f"{name}.tflite")[0]


def run(model: Model, config: Config = CONFIG) -> Course:
    """The course of a run with these options."""
    course = Course(ALL, config)
    run_pipeline(clone(model), ALL, config, course=course)
    return course


def phases(course: Course, config: Config) -> tuple[bytes | None, list[str]]:
    """What comes out with other options, and the phases that are gone for it."""
    seen: list[str] = []

    def watch(event: Event) -> None:
        if event.moment is Moment.PHASE:
            seen.append(event.name)

    found = go_on(course, ALL, config, watch)
    return None if found is None else write_bytes(found[0]), seen


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "config", "begins"),
    [
        ("ds_cnn", FOR_TFLM, "kernels"),
        ("ds_cnn", OVERLAP, "kernels"),
        ("har_cnn", FOR_TFLM, "kernels"),
        ("streaming_variables", FOR_TFLM, "kernels"),
        ("torch_cnn", FOR_TFLM, "forms"),
        ("gru_unrolled", OVERLAP, "kernels"),
        ("gru_unrolled", FOR_TFLM, "kernels"),
        ("grouped_conv", FOR_TFLM, "forms"),
        ("mobilenet_v1", OVERLAP, "kernels"),
        ("two_inputs_three_outputs", FOR_TFLM, "forms"),
    ],
)
def test_the_same_comes_out_as_from_the_beginning(name: str, config: Config, begins: str) -> None:
    model = model_of(name)
    data, gone = phases(run(model), config)
    names = [phase.name for phase in PHASES]
    assert gone == names[names.index(begins) :]
    whole = clone(model)
    run_pipeline(whole, ALL, config)
    assert data == write_bytes(whole)


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIG, goal=Goal.MEMORY),
        replace(CONFIG, limits=Limits(arena_bytes=10_000)),
        replace(CONFIG, plan=None),
    ],
)
def test_options_that_decide_between_forms_begin_anew(config: Config) -> None:
    course = run(model_of("ds_cnn"))
    assert phases(course, config) == (None, [])
    assert go_on(course, Selection(disable=["fold-pad"]), CONFIG) is None


def test_what_was_refused_for_its_growth_is_refused_again() -> None:
    """Higher ceilings are no reason to search again where they are still too low."""
    course = run(model_of("gru_unrolled"))
    assert course.stands["kernels"].search.rounds[0].refused
    assert not course.stands["forms"].search.rounds


def test_what_was_left_for_litert_is_not_taken_for_granted() -> None:
    """A RESHAPE whose shape is open stays as it is for LiteRT alone."""
    model = model_of("har_cnn")
    for op in model.ops():
        for value in op.outputs:
            value.extra.shape_signature = (-1, *value.shape[1:])
    course = run(model)
    assert "shape-to-options" in course.stands["forms"].cautious
    assert phases(course, FOR_TFLM) == (None, [])
    assert phases(course, OVERLAP)[1][0] == "kernels"


def test_nothing_is_kept_of_a_large_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stand is a copy, of 20,000 operators some 80 MiB."""
    monkeypatch.setattr(large, "MANY", 24)
    for count, stands in ((24, set(KEPT)), (30, set())):
        model = mixed(count)
        course = Course.of(model, ALL, CONFIG)
        run_pipeline(model, ALL, CONFIG, course=course)
        assert set(course.stands) == stands
