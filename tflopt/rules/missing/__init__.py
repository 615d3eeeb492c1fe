"""Rules that write what TFLM has no kernel for in terms of what it has."""
