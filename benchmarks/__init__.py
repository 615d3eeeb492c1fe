"""Measurements; each script runs on its own, ``run.py`` runs them all."""
