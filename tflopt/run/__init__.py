"""Runners: who runs a model. Child processes on the host, emulators and boards.

What is compared, and when a difference counts, is decided in verify."""
