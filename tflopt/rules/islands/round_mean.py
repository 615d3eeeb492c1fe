"""A float MEAN or AVERAGE_POOL_2D as the int8 operator where it is near; not exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.config import Config
from tflopt.ir import Op, OpCode
from tflopt.rewrite import APPROXIMATE, Exactness, Rewriter, Rule, Why, require
from tflopt.rules.islands.float_mean import find_mean, mean_distance, replace_mean
from tflopt.rules.islands.float_pool import find_pool, pool_distance, replace_pool
from tflopt.rules.islands.rounding import forget_origins


@dataclass(frozen=True)
class RoundMean(Rule):
    """Replace a float MEAN or AVERAGE_POOL_2D by an int8 one up to N steps off (``--allow-lsb N``).

    Not exact. The distance is that over every integer sum, and every float that it can be.

    Args:
        max_steps: N; 0 turns the rule off.
    """

    name: ClassVar[str] = "round-mean"
    number: ClassVar[int] = 16
    rank: ClassVar[int] = 160
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.QUANTIZE})
    exactness: ClassVar[Exactness] = APPROXIMATE
    max_steps: int = 0

    @classmethod
    def from_config(cls, config: Config) -> RoundMean:
        """The rule with what it needs of the options."""
        return cls(config.allow_lsb)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Take the mean of the integers, approximately."""
        if self.max_steps == 0:
            return
        island = find_mean(op)
        if island is None:
            self._pool(op, rw)
            return
        distance = mean_distance(island, op)
        require(
            distance.largest <= self.max_steps, distance.reason(Why.OTHER, "the int8 MEAN"), at=op
        )
        replace_mean(island, op, rw)
        forget_origins(op, rw)
        rw.prove(f"not exact: {distance}")

    def _pool(self, op: Op, rw: Rewriter) -> None:
        island = find_pool(op)
        if island is None:
            return
        distance = pool_distance(island, op)
        far = distance.reason(Why.OTHER, "the int8 AVERAGE_POOL_2D")
        require(distance.largest <= self.max_steps, far, at=op)
        replace_pool(island, op, rw)
        forget_origins(op, rw)
        rw.prove(f"not exact: {distance}")
