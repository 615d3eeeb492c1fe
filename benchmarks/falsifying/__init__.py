"""Parts of ``benchmarks/unchanging.py``: inputs of many kinds, and a model with gradients."""
