"""Bit-exact models of the integer kernels of TFLM, on which rules base their proofs.

``fixed_point`` has the multiplications, ``unary``, ``binary``, ``reduction`` and ``accumulator``
the kernels, ``floating`` the float operators between DEQUANTIZE and QUANTIZE, ``tables`` the map
of an operator of the IR over its whole domain.
"""
