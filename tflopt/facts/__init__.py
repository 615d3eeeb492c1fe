"""What operators are and how their geometry is read: windows, pads, slices, clamps, sums.

No rule stands here, and nothing that decides: rules of several rooms read these facts."""
