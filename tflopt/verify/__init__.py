"""Checking that an optimized model computes what the original does: matching and comparison."""
