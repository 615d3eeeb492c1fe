"""Rewrite rules, one per file; ``pipeline`` is the only registry."""
