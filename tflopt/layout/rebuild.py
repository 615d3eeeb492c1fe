"""Writes an assignment into the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tflopt.ir import Graph, Op, Value
from tflopt.layout.dense import target_shape
from tflopt.layout.groups import Group
from tflopt.layout.labels import Label, Step, weight_of
from tflopt.layout.problem import Problem, copies_of, labels_of, original_steps, steps_of
from tflopt.layout.readings import Reading
from tflopt.rewrite import Rewriter
from tflopt.rewrite.makers import insert_reshape, insert_transpose


def rebuild(problem: Problem, values: Sequence[int], rw: Rewriter) -> bool:
    """Give every role its form and every tensor the copies that are needed, no others.

    True if that changes the model.
    """
    changed = [r for r in problem.readings if _differs(problem, r, values)]
    for role, forms, value in zip(problem.roles, problem.forms, values, strict=True):
        if value and role.op is not None:
            role.apply(forms[value], rw)
    for reading in changed:
        _Weaver(problem, reading, values, rw).run()
    return bool(changed) or any(values)


def _differs(problem: Problem, reading: Reading, values: Sequence[int]) -> bool:
    if labels_of(problem, reading, values) != labels_of(problem, reading, [0] * len(values)):
        return True
    old, new = original_steps(reading.group), copies_of(problem, reading, values)
    return (len(new), weight_of(new)) < (len(old), weight_of(old))


@dataclass
class _Weaver:
    """Makes one logical tensor anew: its arrangements, and who reads which."""

    problem: Problem
    reading: Reading
    values: Sequence[int]
    rw: Rewriter
    made: dict[Label, Value] = field(default_factory=dict)
    ports: list[tuple[Value, Label]] = field(default_factory=list)
    readers_of: dict[Label, list[Op]] = field(default_factory=dict)

    @property
    def group(self) -> Group:
        return self.reading.group

    def run(self) -> None:
        produced, _ = labels_of(self.problem, self.reading, self.values)
        self._collect()
        self._release_ports()
        self._produce(produced)
        for step in steps_of(self.problem, self.reading, self.values):
            self._copy(step)
        for port, label in self.ports:
            if port is not self.made[label]:
                self._copy_to(port, Step(label, label))
        self._rewire()
        self._remove_views()

    def _collect(self) -> None:
        """Which operators and which outputs of the graph want which label."""
        for number, indices in self.reading.readers.items():
            role = self.problem.roles[number]
            form = self.problem.forms[number][self.values[number]]
            for index in indices:
                label = form.labels[index]
                if role.op is not None:
                    self.readers_of.setdefault(label, []).append(role.op)
                else:
                    port = self.problem.graph.outputs[role.operands[index].index]
                    if all(port is not known for known, _ in self.ports):
                        self.ports.append((port, label))

    def _release_ports(self) -> None:
        """Outputs of the graph keep their identity; views no longer produce them."""
        for port, _ in self.ports:
            if port.producer in self.group.views:
                assert port.producer is not None
                self.rw.set_outputs(port.producer, [self.rw.value(port, same_elements=True)])

    def _produce(self, label: Label) -> None:
        """The producer writes an output of the graph itself where that wants this label."""
        root = self.group.root
        op = self.problem.roles[self.reading.producer[0]].op
        target = root if op is None else self._target(label)
        if target is not root:
            assert op is not None
            self.rw.set_outputs(op, [target if value is root else value for value in op.outputs])
        self._arrange(target, label)
        self.made[label] = target

    def _target(self, label: Label) -> Value:
        root, ports = self.group.root, [port for port, _ in self.ports]
        same = [port for port, read in self.ports if read == label]
        if root in same or (root not in ports and not same):
            return root
        return same[0] if same else self.rw.arranged(root, self._axes(root, label))

    def _axes(self, value: Value, label: Label) -> tuple[int | None, ...]:
        old = self.group.members[value]
        return tuple(None if item is None else old.index(item) for item in label)

    def _arrange(self, value: Value, label: Label) -> None:
        if value in self.group.members and self.group.members[value] != label:
            self.rw.arrange(value, self._axes(value, label))
            self.group.members[value] = label

    def _copy(self, step: Step) -> None:
        for port, label in self.ports:
            if label == step.target:
                self._copy_to(port, step)
                self.made[label] = port
                return
        target = self.rw.arranged(self.group.root, self._axes(self.group.root, step.target))
        self._insert(step, target)
        self.made[step.target] = target

    def _copy_to(self, port: Value, step: Step) -> None:
        self._arrange(port, step.target)
        self._insert(step, port)

    def _insert(self, step: Step, target: Value) -> None:
        """In front of the first reader of the copy, or of copies of it."""
        source, at = self.made[step.source], self._place(step)
        if step.is_view:
            shape = target_shape(step.target, self.group)
            insert_reshape(self.rw, at, source, target, shape)
            return
        data = np.asarray(step.permutation, dtype=np.int32)
        perm = self.rw.constant(data, target)
        insert_transpose(self.rw, at, [source, perm], target, version=1)

    def _place(self, step: Step) -> Op | Graph:
        graph = self.problem.graph
        steps = steps_of(self.problem, self.reading, self.values)
        reached = {step.target}
        for later in steps:
            if later.source in reached:
                reached.add(later.target)
        readers = {op for label in reached for op in self.readers_of.get(label, ())}
        return next((op for op in graph.ops if op in readers), graph)

    def _rewire(self) -> None:
        for number, indices in self.reading.readers.items():
            role = self.problem.roles[number]
            form = self.problem.forms[number][self.values[number]]
            if role.op is None:
                continue
            for index in indices:
                value = self.made[form.labels[index]]
                place = role.operands[index].index
                if role.op.inputs[place] is not value:
                    self.rw.set_input(role.op, place, value)

    def _remove_views(self) -> None:
        for view in reversed(self.group.views):
            if not any(value.uses for value in view.outputs):
                self.rw.remove(view)
        root = self.group.root
        if root.producer is None and not root.uses and not root.is_graph_input:
            self.rw.remove_value(root)
