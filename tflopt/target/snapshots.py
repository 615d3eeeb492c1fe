"""Vendors' copies of TFLM: what each carries, and the known version whose facts are nearest.

Read from their repositories on 2026-11-30. Predictions are those of the nearest version, and arenas
may differ by what lies between; `Snapshot.measured` says where a library of theirs was run.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Snapshot:
    """One vendor's copy.

    Attributes:
        name: what ``--tflm`` takes.
        repository: on GitHub, with the commit that was read.
        tflm: the state of tflite-micro in it.
        cmsis_nn: CMSIS-NN in it: the revision that its ``arm_nnfunctions.h`` states, or a commit.
        runtime: the nearest version that is known, as `tflopt.target.setup.RUNTIMES` names it.
        differs: what of its kernels is known to be unlike that version.
        measured: what of its arenas was held against a library.
    """

    name: str
    repository: str
    tflm: str
    cmsis_nn: str
    runtime: str
    differs: str
    measured: str = "not measured"

    @property
    def note(self) -> str:
        """For people who name it."""
        return (
            f"{self.name}: predicted as TFLM {self.runtime}, {self.measured}; it has {self.tflm} "
            f"and CMSIS-NN {self.cmsis_nn}, {self.differs}"
        )


_OLDER_KERNELS = "PAD, MAXIMUM, MINIMUM and TRANSPOSE are TFLM's own"
SNAPSHOTS = (
    Snapshot(
        "ambiq",
        "AmbiqAI/neuralSPOT 308c4e6, ns_tflm_v1_7_0",
        "tflite-micro with the operators of August 2025",
        "V.18.0.0 of 2024-11-04",
        "3b20912",
        "the same kernels as far as its symbols show",
        "right to the byte for two models on an emulated Cortex-M55 (its GCC build)",
    ),
    Snapshot(
        "arduino",
        "tensorflow/tflite-micro-arduino-examples 7948b85",
        "tflite-micro of 2023-02-27",
        "V.11.0.0 of 2022-09-30",
        "3b20912",
        f"{_OLDER_KERNELS}, and so are BATCH_MATMUL, TRANSPOSE_CONV and LSTM",
    ),
    Snapshot(
        "pico",
        "raspberrypi/pico-tflmicro dfea53b",
        "tflite-micro of 2024-12-26",
        "V.18.0.0 of 2024-11-04",
        "3b20912",
        f"{_OLDER_KERNELS}; some kernels of it use both cores",
    ),
    Snapshot(
        "zephyr",
        "zephyrproject-rtos/tflite-micro 48613f7",
        "tflite-micro 71fba59 of 2024-05-28",
        "01dee38, where Zephyr's own module isn't taken",
        "3b20912",
        f"{_OLDER_KERNELS}, and so is BATCH_MATMUL",
    ),
)
_BY_NAME = {snapshot.name: snapshot for snapshot in SNAPSHOTS}


def find_snapshot(text: str) -> Snapshot | None:
    """The copy of that name, None for all others."""
    return _BY_NAME.get(text.strip().lower())
