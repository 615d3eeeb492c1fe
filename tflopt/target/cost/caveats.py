"""What a prediction can't know, in words."""

from __future__ import annotations

from tflopt.ir import OpCode
from tflopt.target.cost.predict import ModelPrediction

NOTABLE = 0.02
"""A range that is narrower than this share of the prediction is not worth a word."""


def caveats(prediction: ModelPrediction) -> list[str]:
    """Sentences on branches, loops, and work that depends on the data; none where all is known."""
    sentences = []
    if any(row.op.code is OpCode.IF for row in prediction.rows):
        sentences.append("the predicted instructions count both sides of a branch.")
    if prediction.most_instructions is None:
        sentences.append(
            "the predicted instructions count the body of a loop whose length follows from data "
            "once."
        )
    spread = _spread(prediction)
    if spread is not None:
        least, most = spread
        sentences.append(
            f"the predicted instructions depend on the data: from {least:,} to {most:,} (values "
            "that saturate and small exponentials cost nothing, some negative values more)."
        )
    return sentences


def _spread(prediction: ModelPrediction) -> tuple[int, int] | None:
    """By the data alone, each operator as often as the prediction counts it; None where narrow."""
    rows = [(row.runs.usual, row.prediction) for row in prediction.rows]
    least = sum(runs * (cost.least - cost.instructions) for runs, cost in rows)
    most = sum(runs * (cost.most - cost.instructions) for runs, cost in rows)
    if most - least < NOTABLE * prediction.instructions:
        return None
    return prediction.instructions + least, prediction.instructions + most
