"""What splitsr writes beside the network into an ONNX file."""

from __future__ import annotations

from splitsr.errors import SpecError, WeightsError
from splitsr.spec import ModelSpec, spec_from_json

SPEC_KEY = "splitsr.spec"
"""Key of the metadata that holds the `ModelSpec` as JSON."""

NAME_KEY = "splitsr.name"
"""Key of the metadata that holds the model's name."""


def read_metadata(content: bytes, label: str) -> dict[str, str]:
    """The metadata of an ONNX file.

    Args:
        content: the file's bytes.
        label: what to call the file in messages.

    Raises:
        WeightsError: damaged, or no ONNX file.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no common base
        raise damaged(label, error) from error
    return dict(session.get_modelmeta().custom_metadata_map)


def damaged(label: str, error: Exception) -> WeightsError:
    """The error for a file that ONNX Runtime refuses."""
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return WeightsError(f"{label}: damaged, or not an ONNX model ({reason})")


def spec_from_metadata(metadata: dict[str, str], label: str) -> ModelSpec:
    """The network's description.

    Args:
        metadata: of an ONNX file.
        label: what to call the file in messages.

    Raises:
        WeightsError: there is none, or it cannot be built.
    """
    if SPEC_KEY not in metadata:
        raise WeightsError(
            f"{label}: no {SPEC_KEY!r} in its metadata; give a model that splitsr exported"
        )
    try:
        return spec_from_json(metadata[SPEC_KEY])
    except SpecError as error:
        raise WeightsError(f"{label}: its spec cannot be read ({error})") from error
