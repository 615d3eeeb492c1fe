"""What a file is that is no ``.tflite``, and what its owner can do: for error messages only."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path, PurePosixPath

KERAS = "a Keras model; convert it with tf.lite.TFLiteConverter.from_keras_model, int8 quantized"
SAVED_MODEL = (
    "a SavedModel; convert it with tf.lite.TFLiteConverter.from_saved_model, int8 quantized"
)
PYTORCH = "a PyTorch file; export it with litert-torch, int8 quantized"
ONNX = "an ONNX model; convert it with onnx2tf -oiqt and take the file *_full_integer_quant.tflite"
STARTS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; run git lfs pull"),
    (b"\x89HDF\r\n\x1a\n", KERAS),
    (b"\x1f\x8b", "compressed with gzip; run gunzip on it first"),
    (b"\x7fELF", "an ELF program; name the .tflite file that went into it"),
    (b"<!DOCTYPE", "a web page; download the file itself ('Raw' on GitHub)"),
    (b"<html", "a web page; download the file itself ('Raw' on GitHub)"),
)
SUFFIXES = {
    ".onnx": ONNX,
    ".pb": SAVED_MODEL,
    ".keras": KERAS,
    ".h5": KERAS,
    ".hdf5": KERAS,
    ".pt": PYTORCH,
    ".pth": PYTORCH,
    ".c": "C source without the array of a model",
    ".cc": "C++ source without the array of a model",
    ".cpp": "C++ source without the array of a model",
    ".h": "a header without the array of a model; name the source that has it",
}
SAVED_MODEL_FILE = "saved_model.pb"
EXECUTORCH = b"ET"
ZIP = b"PK\x03\x04"
MOST_NAMES = 64
"""Entries of a zip archive that are looked at."""


def what_it_is(data: bytes, name: str = "") -> str | None:
    """The kind of a file in words, with the next step; None where nothing is known of it."""
    if data.startswith(ZIP):
        return _archive(data)
    if data[4:6] == EXECUTORCH:
        return "an ExecuTorch program; tflopt reads .tflite models only"
    for start, kind in STARTS:
        if data.startswith(start):
            return kind
    return SUFFIXES.get(Path(name).suffix.lower())


def what_folder_it_is(folder: Path) -> str:
    """The same for a folder."""
    if (folder / SAVED_MODEL_FILE).is_file():
        return SAVED_MODEL
    return "a folder; name a .tflite file"


def _archive(data: bytes) -> str:
    import zipfile

    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = [PurePosixPath(name) for name in archive.namelist()[:MOST_NAMES]]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "a damaged zip archive"
    if any(path.name == "config.json" for path in names):
        return KERAS
    if any(path.name == "data.pkl" for path in names):
        return PYTORCH
    models = [str(path) for path in names if path.suffix == ".tflite"]
    inside = f"; it holds {models[0]}" if models else ""
    return f"a zip archive; unpack it first{inside}"
