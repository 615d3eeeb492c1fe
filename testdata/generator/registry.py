"""The list of generated models; importing it needs neither TensorFlow nor PyTorch."""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast


class Environment(enum.Enum):
    """Which pinned requirements file a builder needs."""

    TENSORFLOW = "tensorflow"
    LITERT_TORCH = "litert-torch"
    TFLOPT = "tflopt"

    @property
    def package(self) -> str:
        """The module whose presence tells this environment."""
        return self.value.replace("-", "_")


@dataclass(frozen=True)
class Entry:
    """One model: the function ``generator.<family>.<name>`` returns its bytes, for ``folder``."""

    name: str
    family: str
    environment: Environment = Environment.TENSORFLOW
    folder: str = "models"

    def builder(self) -> Callable[[], bytes]:
        """Import the family late, so that each environment sees only its own modules."""
        module = importlib.import_module(f"{__package__}.{self.family}")
        return cast(Callable[[], bytes], getattr(module, self.name))


HAZARDS = (
    "conv_1xn_strided",
    "conv_s16_without_bias",
    "depthwise_row_scratch",
    "fully_connected_debug_assert",
    "fully_connected_s16_bias",
    "grouped_conv_scratch",
    "grouped_conv_without_bias",
    "lstm_state",
    "maximum_of_vector",
    "pad_below_rank_four",
    "pool_batches",
    "resize_nearest_centers",
    "softmax_s16_single",
    "space_to_batch_padding",
    "svdf_for_size",
    "svdf_int8_state",
    "transpose_conv_rows",
    "transpose_conv_s16_without_bias",
    "transpose_conv_scratch",
    "transpose_identity",
    "transpose_rank_five",
    "transpose_rank_two",
    "uncalled_scratch",
    "wide_depthwise_without_bias",
)
"""One model for each entry of ``tflopt/target/hazards``."""

MODELS: tuple[Entry, ...] = (
    Entry("wav2letter", "conv1d"),
    Entry("tcn_causal_dilated", "conv1d"),
    Entry("har_cnn", "conv1d"),
    Entry("conv1d_stride2", "conv1d"),
    Entry("conv1d_pairs", "exporters", Environment.TFLOPT),
    Entry("ds_cnn", "vision"),
    Entry("mobilenet_v1", "vision"),
    Entry("mobilenet_v2", "vision"),
    Entry("resnet8", "vision"),
    Entry("autoencoder", "dense"),
    Entry("grouped_conv", "structure"),
    Entry("grouped_depthwise", "exporters", Environment.TFLOPT),
    Entry("dilated_conv2d", "structure"),
    Entry("space_to_batch", "structure"),
    Entry("inception", "structure"),
    Entry("two_inputs_three_outputs", "structure"),
    Entry("unet", "structure"),
    Entry("upsampling1d", "structure"),
    Entry("upsampling1d_split", "structure"),
    Entry("transposed_separable1d", "structure"),
    Entry("squeeze_excite", "structure"),
    Entry("int16_activations", "modes"),
    Entry("dynamic_batch", "modes"),
    Entry("streaming_variables", "stateful"),
    Entry("lstm", "stateful"),
    Entry("gru_unrolled", "stateful"),
    Entry("while_loop", "control"),
    Entry("if_branches", "control"),
    Entry("two_signatures", "control"),
    Entry("svdf", "handmade"),
    Entry("torch_tcn", "torch_nets", Environment.LITERT_TORCH),
    Entry("torch_cnn", "torch_nets", Environment.LITERT_TORCH),
    *(Entry(name, "hazards", Environment.TFLOPT, "hazards") for name in HAZARDS),
)


def find(name: str) -> Entry:
    """Raise ``KeyError`` naming the model if there is none of that name."""
    for entry in MODELS:
        if entry.name == name:
            return entry
    raise KeyError(f"no model is called {name!r}")
