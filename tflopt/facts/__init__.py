"""What operators are, and how their geometry is read: windows, pads, slices, clamps, sums, and what
kernels take on trust.

No rule stands here, nothing that decides and nothing that edits. Only the IR and the arithmetic
stand below, so that plans, targets, layouts and rules all read the same facts.
"""
