"""Bit-exact optimizer of int8 ``.tflite`` models for TensorFlow Lite Micro with CMSIS-NN."""

__version__ = "0.1.0"
