"""Random layers on a device against TFLM's reference kernels on the host."""
