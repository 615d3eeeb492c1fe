"""What kernels take on trust: models on which a runtime would crash, or read and write beyond
its tensors, are no valid models.

TFLM checks part of this in ``Prepare`` and leaves the rest to ``TFLITE_DCHECK``, which release
builds drop. Only what can't be right is a flaw here: what a kernel refuses in an orderly way, or
what tflopt doesn't know, passes.
"""

from tflopt.facts.sound.unsound import shortened, unsound

__all__ = ["shortened", "unsound"]
