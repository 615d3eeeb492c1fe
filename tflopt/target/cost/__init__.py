"""What a layer costs on a core, in instructions, by tables fitted from an emulator."""

from tflopt.target.cost.caveats import caveats
from tflopt.target.cost.predict import (
    Basis,
    ModelPrediction,
    OpPrediction,
    Prediction,
    predict_instructions,
    predict_layer,
    predict_model,
)
from tflopt.target.cost.spec import LayerSpec, TensorSpec, describe

__all__ = [
    "Basis",
    "LayerSpec",
    "ModelPrediction",
    "OpPrediction",
    "Prediction",
    "TensorSpec",
    "caveats",
    "describe",
    "predict_instructions",
    "predict_layer",
    "predict_model",
]
