"""Examples of each command, a line each; the key '' has those of ``tflopt`` itself."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": (
        "tflopt optimize kws.tflite",
        "tflopt optimize kws.tflite --target cortex-m4 --max-arena 64K -o small.tflite",
        "tflopt emit kws.opt.tflite -d src/model",
    ),
    "optimize": (
        "tflopt optimize kws.tflite",
        "tflopt optimize kws.tflite -t cortex-m4 --goal memory --explain",
        "tflopt optimize kws.tflite --max-arena 64K --max-flash 256K",
        "tflopt optimize kws.tflite --html kws.html --report kws.json",
        "tflopt optimize a.tflite b.tflite --dir optimized --jobs 2",
        "tflopt optimize - -o - < kws.tflite > small.tflite",
    ),
    "explore": (
        "tflopt explore kws.tflite --target cortex-m4",
        "tflopt explore kws.tflite --json > points.json",
    ),
    "inspect": (
        "tflopt inspect kws.tflite",
        "tflopt inspect kws.tflite --kernels --target cortex-m4",
        "tflopt inspect kws.tflite --flash --against kws.opt.tflite",
        "tflopt inspect kws.tflite --memory",
    ),
    "validate": (
        "tflopt validate kws.tflite kws.opt.tflite --samples 1000",
        "tflopt validate kws.tflite kws.opt.tflite --runner qemu --tflm-lib build/tflm",
    ),
    "bench": (
        "tflopt bench kws.tflite kws.opt.tflite",
        "tflopt bench kws.tflite --target cortex-m4",
        "tflopt bench kws.tflite --runner qemu --tflm-lib build/tflm",
    ),
    "fit": (
        "tflopt fit kws.tflite",
        "tflopt fit kws.opt.tflite --board nucleo-l4r5zi --board raspberry-pi-pico",
        "tflopt fit kws.tflite --json",
    ),
    "report": (
        "tflopt report kws.tflite",
        "tflopt report kws.tflite kws.opt.tflite --markdown",
        "tflopt report kws.tflite kws.opt.tflite --svg memory.svg",
    ),
    "view": (
        "tflopt view kws.tflite",
        "tflopt view kws.tflite -o kws.html --no-open",
    ),
    "emit": (
        "tflopt emit kws.opt.tflite -d src/model",
        "tflopt emit kws.opt.tflite -d src --section .qspi_model --main",
        "tflopt emit a.opt.tflite b.opt.tflite -d src --name models",
    ),
    "check": (
        "tflopt check",
        "tflopt check models.toml --junit results.xml",
        "tflopt check kws.opt.tflite --map build/firmware.elf",
    ),
    "diff": (
        "tflopt diff old.tflite new.tflite",
        "tflopt diff old.json new.json --fail-on-regression --tolerance 1",
    ),
    "cmake-dir": ("cmake -DCMAKE_MODULE_PATH=$(tflopt cmake-dir) ..",),
    "passes": ("tflopt passes --json",),
    "targets": (
        "tflopt targets",
        "tflopt targets --probe --tflm-lib build/tflm --write-profile board.json",
    ),
    "help": (
        "tflopt help",
        "tflopt help optimize",
        "tflopt help flash",
    ),
}
