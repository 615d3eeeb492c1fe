"""Rules that write layers otherwise which the kernels of the device compute wrongly.

The defects themselves, with their sources, are entries of target.hazards."""
