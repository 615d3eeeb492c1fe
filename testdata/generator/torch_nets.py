"""Channels-first networks through PyTorch's own exporter, litert-torch, quantized by PT2E.

The exporter wraps each convolution into TRANSPOSE and pads by PAD; inputs and outputs stay float.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import litert_torch
import torch
from litert_torch.quantize.pt2e_quantizer import PT2EQuantizer, get_symmetric_quantization_config
from litert_torch.quantize.quant_config import QuantConfig
from torch import Tensor, nn
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

SAMPLES = 32


class CausalConv(nn.Module):
    """Symmetric padding, then the surplus at the end is cut off ("chomp")."""

    def __init__(self, channels: int, width: int, dilation: int) -> None:
        super().__init__()
        self.surplus = (width - 1) * dilation
        self.conv = nn.Conv1d(channels, channels, width, padding=self.surplus, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)[:, :, : -self.surplus].contiguous()


class TcnBlock(nn.Module):
    """Two causal convolutions and a residual."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.first = CausalConv(channels, 3, dilation)
        self.second = CausalConv(channels, 3, dilation)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.first(x))
        y = self.relu(self.second(y))
        return self.relu(y + x)


class SmallCnn(nn.Module):
    """Strided convolutions that pad one pixel on each side, and one residual.

    It returns a feature map too, which has to be transposed back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, stride=2, padding=1)
        self.same = nn.Conv2d(12, 12, 3, padding=1)
        self.depthwise = nn.Conv2d(12, 12, 3, stride=2, padding=1, groups=12)
        self.point = nn.Conv2d(12, 20, 1)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(20, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.relu(self.stem(x))
        x = self.relu(self.same(x) + x)
        features = self.relu(self.depthwise(x))
        x = self.relu(self.point(features))
        return self.head(torch.flatten(self.pool(x), 1)), features


def torch_tcn() -> bytes:
    """Three blocks with dilations 1, 2 and 4 on 16 channels and 128 steps, and a 1x1 head."""
    torch.manual_seed(801)
    blocks = [TcnBlock(16, dilation) for dilation in (1, 2, 4)]
    return _convert(nn.Sequential(*blocks, nn.Conv1d(16, 8, 1)), (16, 128))


def torch_cnn() -> bytes:
    """A small picture classifier."""
    torch.manual_seed(802)
    return _convert(SmallCnn(), (3, 32, 32))


def _convert(model: nn.Module, shape: tuple[int, ...]) -> bytes:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    model.eval()
    samples = torch.rand(SAMPLES, *shape) * 2.0 - 1.0
    with torch.no_grad():
        _condition(model, samples)
        sample = (samples[:1],)
        config = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=False)
        quantizer = PT2EQuantizer().set_global(config)
        prepared = prepare_pt2e(torch.export.export(model, sample).module(), quantizer)
        for index in range(SAMPLES):
            prepared(samples[index : index + 1])
        converted = convert_pt2e(prepared, fold_quantize=False)
    edge = litert_torch.convert(converted, sample, quant_config=QuantConfig(quantizer))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        edge.export(str(path))
        return path.read_bytes()


def _condition(model: nn.Module, samples: Tensor) -> None:
    """Give each kernel's output unit spread and a small random offset, in order of execution."""

    def scale(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        axes = [axis for axis in range(output.ndim) if axis != 1]
        gain = (0.7 + 0.6 * torch.rand(output.shape[1])) / output.std(dim=axes)
        shift = 0.3 * torch.randn(output.shape[1]) - output.mean(dim=axes) * gain
        layer.weight.mul_(gain.reshape(-1, *[1] * (layer.weight.ndim - 1)))
        layer.bias.mul_(gain).add_(shift)
        shape = [-1 if axis == 1 else 1 for axis in range(output.ndim)]
        return output * gain.reshape(shape) + shift.reshape(shape)

    kernels = [m for m in model.modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Linear)]
    handles = [kernel.register_forward_hook(scale) for kernel in kernels]
    model(samples)
    for handle in handles:
        handle.remove()
