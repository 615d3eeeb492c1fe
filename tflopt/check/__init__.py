"""Checking that an optimized model computes what the original does."""
