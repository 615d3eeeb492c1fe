"""ESP-NN as a kernel library: what TFLM runs on Espressif's chips, read from the sources.

What belongs here are the sizes and choices of ESP-NN and of ``esp-tflite-micro``'s kernels that
call it. No device ran them, and what they compute was not examined.
"""
