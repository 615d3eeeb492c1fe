"""The choice of forms as a sum of tables: which operator pays for which copy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from tflopt.ir import Graph, Value
from tflopt.layout.groups import Group, find_groups
from tflopt.layout.labels import Label, Step, plan_steps, weight_of
from tflopt.layout.readings import WEIGHT, Reading, factors_of, find_readings
from tflopt.layout.role import Form, Role
from tflopt.layout.roles import find_roles
from tflopt.layout.solver import FORBIDDEN, Factor, solve

MOST_LABELS = 12
"""Labels of one tensor that are considered; the first ones are those of the model."""
MOST_FORMS = 32
SWEEPS = 16
"""Forward and backward; a label that flows on reaches the end of the graph in one of them."""
BYTE_LIMIT = 1 << 27
"""Larger tensors than a microcontroller has would overflow the sums."""

FormCosts = Callable[[Role, Sequence[Form]], "list[FormPrice]"]


@dataclass(frozen=True)
class FormPrice:
    """What it takes to run an operator in a form: known defects of its kernel come first."""

    hazards: int = 0
    instructions: int = 0


@dataclass
class Problem:
    """Every role of a graph with its forms, the original one first.

    Attributes:
        prices: what each form of each role costs beside copies.
        readings: every logical tensor with the roles that produce and read it.
    """

    graph: Graph
    roles: list[Role]
    forms: list[list[Form]]
    prices: list[list[FormPrice]]
    readings: list[Reading]


@dataclass(frozen=True, order=True)
class Bill:
    """What an assignment costs, in the order in which it counts."""

    hazards: int
    moved_bytes: int
    weight: int
    instructions: int


def make_problem(
    graph: Graph,
    price: FormCosts,
    free_ports: bool = False,
) -> Problem:
    """The problem of one graph.

    Args:
        price: what each form of an operator costs.
        free_ports: inputs and outputs of the graph may be arranged otherwise.
    """
    groups = find_groups(graph)
    roles = find_roles(graph, groups, free_ports)
    forms = _find_forms(roles, dict.fromkeys(groups.values()))
    prices = [price(role, options) for role, options in zip(roles, forms, strict=True)]
    return Problem(graph, roles, forms, prices, find_readings(roles))


def restricted(problem: Problem, banned: Collection[tuple[int, Form]]) -> Problem:
    """The problem without some forms of some roles."""
    kept = [
        [i for i, form in enumerate(forms) if (number, form) not in banned]
        for number, forms in enumerate(problem.forms)
    ]
    forms = [[role_forms[i] for i in k] for role_forms, k in zip(problem.forms, kept, strict=True)]
    prices = [
        [role_prices[i] for i in k] for role_prices, k in zip(problem.prices, kept, strict=True)
    ]
    return replace(problem, forms=forms, prices=prices)


def without_speed(problem: Problem) -> Problem:
    """The problem in which instructions don't count."""
    prices = [[FormPrice(price.hazards) for price in prices] for prices in problem.prices]
    return replace(problem, prices=prices)


def on_copy(problem: Problem, graph: Graph, free_ports: bool) -> Problem:
    """The same problem of a copy of its graph."""
    roles = find_roles(graph, find_groups(graph), free_ports)
    return replace(problem, graph=graph, roles=roles, readings=find_readings(roles))


def _find_forms(roles: Sequence[Role], groups: Iterable[Group]) -> list[list[Form]]:
    """The forms of all roles; labels travel along the graph until none is added."""
    candidates = {group: list(dict.fromkeys(group.members.values())) for group in groups}
    forms: list[list[Form]] = [[] for _ in roles]
    numbers = list(range(len(roles)))
    for _ in range(SWEEPS):
        changed = False
        for number in numbers:
            role_forms = list(islice(roles[number].forms(candidates), MOST_FORMS))
            forms[number] = role_forms
            changed |= _enter(roles[number], role_forms, candidates)
        if not changed:
            break
        numbers.reverse()
    return forms


def _enter(role: Role, forms: Sequence[Form], candidates: dict[Group, list[Label]]) -> bool:
    changed = False
    for form in forms:
        for operand, label in zip(role.operands, form.labels, strict=True):
            known = candidates[operand.group]
            if label not in known and len(known) < MOST_LABELS:
                known.append(label)
                changed = True
    return changed


def solve_problem(problem: Problem) -> list[int]:
    """The number of the form that each role takes; the original ones if none are better."""
    sizes = [len(options) for options in problem.forms]
    start = [0] * len(sizes)
    if not _least_bill(problem) < original_bill(problem):
        return start
    if sum(reading.group.size_bytes for reading in problem.readings) > BYTE_LIMIT:
        return start
    factors = _price_factors(problem)
    for reading in problem.readings:
        factors += factors_of(reading, problem.forms, sizes, start)
    values = solve(sizes, factors, start)[: len(problem.roles)]
    better = bill_of(problem, values) < original_bill(problem)
    return values if better else [0] * len(problem.roles)


def _price_factors(problem: Problem) -> list[Factor]:
    """Hazards are forbidden where a form without is there; instructions only break ties."""
    spreads = [
        max(p.instructions for p in prices) - min(p.instructions for p in prices)
        for prices in problem.prices
    ]
    shift = max(0, (sum(spreads) // (WEIGHT // 4)).bit_length())
    factors = []
    for role, prices in enumerate(problem.prices):
        least = min(p.instructions for p in prices)
        safest = min(p.hazards for p in prices)
        table = [
            int(FORBIDDEN)
            if p.hazards > safest
            else 2 * ((p.instructions - least) >> shift) + (i > 0)
            for i, p in enumerate(prices)
        ]
        factors.append(Factor((role,), np.asarray(table, dtype=np.int64)))
    return factors


def bill_of(problem: Problem, values: Sequence[int]) -> Bill:
    """What an assignment costs."""
    steps = [(r.group, copies_of(problem, r, values)) for r in problem.readings]
    return _bill(
        problem,
        values,
        sum(group.size_bytes * len(copies) for group, copies in steps),
        sum(weight_of(copies) for _, copies in steps),
    )


def original_bill(problem: Problem) -> Bill:
    """What the model costs as it is."""
    groups = [reading.group for reading in problem.readings]
    return _bill(
        problem,
        [0] * len(problem.roles),
        sum(view.output.size_bytes or 0 for group in groups for view in group.views),
        sum(weight_of(original_steps(group)) for group in groups),
    )


def _least_bill(problem: Problem) -> Bill:
    """No assignment costs less: each form at its best, and nothing copied."""
    return Bill(
        sum(min(price.hazards for price in prices) for prices in problem.prices),
        moved_bytes=0,
        weight=0,
        instructions=sum(min(price.instructions for price in prices) for prices in problem.prices),
    )


def original_steps(group: Group) -> tuple[Step, ...]:
    """The copies that the model makes of a tensor."""
    pairs = ((view.inputs[0], view.output) for view in group.views)
    return tuple(Step(group.members[a], group.members[b]) for a, b in pairs if a is not None)


def _bill(problem: Problem, values: Sequence[int], moved_bytes: int, weight: int) -> Bill:
    prices = [prices[value] for prices, value in zip(problem.prices, values, strict=True)]
    return Bill(
        sum(price.hazards for price in prices),
        moved_bytes,
        weight,
        sum(price.instructions for price in prices),
    )


def steps_of(problem: Problem, reading: Reading, values: Sequence[int]) -> tuple[Step, ...]:
    """The copies of one tensor that an assignment needs."""
    produced, read_labels = labels_of(problem, reading, values)
    return plan_steps(produced, read_labels)


def copies_of(problem: Problem, reading: Reading, values: Sequence[int]) -> tuple[Step, ...]:
    """As :func:`steps_of`, and copies to outputs of the graph: each is a tensor of its own."""
    produced, _ = labels_of(problem, reading, values)
    root, outputs = reading.group.root, problem.graph.outputs
    ports: dict[Value, Label] = {}
    for number, indices in reading.readers.items():
        role = problem.roles[number]
        if role.op is None:
            port = outputs[role.operands[indices[0]].index]
            ports[port] = problem.forms[number][values[number]].labels[indices[0]]
    is_fed = root.is_graph_input
    taken = {produced} if is_fed else set()
    extra = []
    for port, label in ports.items():
        if label in taken and not (is_fed and port is root):
            extra.append(Step(label, label))
        taken.add(label)
    return (*steps_of(problem, reading, values), *extra)


def labels_of(
    problem: Problem, reading: Reading, values: Sequence[int]
) -> tuple[Label, list[Label]]:
    """The label in which a tensor is produced, and those in which it is read."""
    role, operand = reading.producer
    produced = problem.forms[role][values[role]].labels[operand]
    read_labels = [
        problem.forms[reader][values[reader]].labels[index]
        for reader, indices in reading.readers.items()
        for index in indices
    ]
    return produced, read_labels
