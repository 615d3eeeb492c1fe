"""``python -m tflopt``."""

from tflopt.cli.main import run

run()
