"""Random graphs through the optimizer and TFLM."""
