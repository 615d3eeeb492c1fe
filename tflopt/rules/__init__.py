"""Rewrite rules, one per file, in rooms by theme; pipeline says in which order they run."""
