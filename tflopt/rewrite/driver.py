"""Runs rules to a fixpoint."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from tflopt.errors import RuleError
from tflopt.ir import Model, Op, OpCode
from tflopt.rewrite.rewriter import Rewriter
from tflopt.rewrite.rule import Declined, ModelRule, Rule
from tflopt.rewrite.trace import Trace, short_label
from tflopt.rewrite.watch import Event, Moment, Watch, verify_runs

STEPS_PER_OP = 200
"""Visits per operator before the driver concludes that rules undo each other."""


def run_rules(
    model: Model, rules: Sequence[Rule], trace: Trace, watch: Watch = verify_runs
) -> bool:
    """Apply local rules over a worklist to a fixpoint; True if anything changed.

    Args:
        watch: is told of every firing, and of the fixpoint if something changed.

    Raises:
        RuleError: a rule edits and then declines, or the rules reach no fixpoint.
        VerifyError: the IR is inconsistent afterwards.
    """
    return _Driver(model, rules, trace, watch).run()


def run_model_rule(model: Model, rule: ModelRule, trace: Trace, watch: Watch = verify_runs) -> bool:
    """Apply a rule of the whole model once; True if anything changed.

    Raises:
        VerifyError: the IR is inconsistent afterwards.
    """
    rw = Rewriter(model)
    rw.say = lambda text: watch(Event(Moment.SAID, model, text))
    rule.rewrite_model(model, rw)
    trace.forget_rule(rule.name)
    for op, reason in rw.remarks:
        trace.decline(rule.name, op, reason, op)
    if not rw.changed:
        return False
    trace.hit(rule.name, "model", tuple(rw.edits), rw.shown_by or rule.exactness.shown_by)
    watch(Event(Moment.RAN, model, rule.name))
    return True


def run_rule_at(model: Model, rule: Rule, op: Op, trace: Trace, watch: Watch = verify_runs) -> bool:
    """Apply a local rule at one operator, and at no other; True if it changed anything.

    Raises:
        RuleError: the rule edits and then declines.
        VerifyError: the IR is inconsistent afterwards.
    """
    changed = _Driver(model, (), trace, watch)._apply(rule, op)
    if changed:
        watch(Event(Moment.RAN, model, rule.name))
    return changed


class _Driver:
    def __init__(self, model: Model, rules: Sequence[Rule], trace: Trace, watch: Watch) -> None:
        self.model = model
        self.trace = trace
        self.watch = watch
        self.names = frozenset(rule.name for rule in rules)
        self.rw = Rewriter(model)
        self.by_code: dict[OpCode, list[Rule]] = {}
        for rule in rules:
            for code in rule.anchors:
                self.by_code.setdefault(code, []).append(rule)
        self.queue: deque[Op] = deque(model.ops())
        self.queued: set[Op] = set(self.queue)
        self.limit = STEPS_PER_OP * (len(self.queue) + 10)
        self.changed = False

    def run(self) -> bool:
        while self.queue:
            op = self.queue.popleft()
            self.queued.discard(op)
            if op not in self.rw.removed:
                self._visit(op)
        if self.changed:
            self.watch(Event(Moment.RAN, self.model, "rules"))
        return self.changed

    def _visit(self, op: Op) -> None:
        self.trace.forget(op, self.names)
        for rule in self.by_code.get(op.code, ()):
            self.trace.steps += 1
            self.limit -= 1
            if self.limit < 0:
                raise RuleError("the rules reach no fixpoint", rule.name)
            if self._apply(rule, op):
                return

    def _apply(self, rule: Rule, op: Op) -> bool:
        mark = op.opcode, op.outputs[0].name if op.outputs else None
        self.rw.begin()
        try:
            rule.rewrite(op, self.rw)
        except Declined as declined:
            if self.rw.changed:
                raise RuleError(f"declined after an edit: {declined}", rule.name) from None
            self.trace.decline(rule.name, op, declined.reason, declined.at)
            return False
        if not self.rw.changed:
            return False
        self.changed = True
        shown_by = self.rw.shown_by or rule.exactness.shown_by
        self.trace.hit(rule.name, short_label(*mark), tuple(self.rw.edits), shown_by)
        self.watch(Event(Moment.FIRED, self.model, rule.name, tuple(self.rw.altered)))
        self._enqueue(op)
        for touched in self.rw.touched:
            self._enqueue(touched)
        return True

    def _enqueue(self, op: Op) -> None:
        if op not in self.queued:
            self.queued.add(op)
            self.queue.append(op)
