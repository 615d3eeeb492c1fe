"""Range analysis: between which numbers every element of every tensor lies, whatever the input.

``interval`` has the intervals and how they move, ``accumulators``, ``elementwise``, ``reductions``
and ``movement`` what operators make of them, ``analysis`` the walk over a graph. No rewriting here.
"""

from tflopt.ranges.analysis import Ranges, ranges_of
from tflopt.ranges.interval import Interval

__all__ = ["Interval", "Ranges", "ranges_of"]
