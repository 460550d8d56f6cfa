"""What splitsr writes beside the network into an ONNX file."""

from __future__ import annotations

from collections.abc import Iterator

from splitsr.errors import SpecError, WeightsError
from splitsr.networks import ModelSpec, spec_from_json

SPEC_KEY = "splitsr.spec"
"""Key of the metadata that holds the `ModelSpec` as JSON."""

NAME_KEY = "splitsr.name"
"""Key of the metadata that holds the model's name."""


# Of each of ONNX's messages the fields that hold others, by number, and of which kind those are.
_MODEL = {7: "graph", 14: "property", 25: "function"}
_CHILDREN = {
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor", 6: "subgraph", 10: "tensor", 11: "subgraph", 22: "sparse", 23: "sparse"
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "file"},
}  # fmt: skip
_REFUSED = {
    "function": "functions of its own",
    "subgraph": "a graph within its graph, as loops and branches have",
    "file": "weights in another file",
}
_VARINT, _SIZED, _FIXED = 0, 2, {1: 8, 5: 4}
_DATA_TYPE, _RAW_DATA, _FLOAT, _INT8 = 2, 9, 1, 3  # of a tensor


def read_metadata(content: bytes, label: str) -> dict[str, str]:
    """The metadata of an ONNX file, if its network is of the kind that splitsr exports.

    Such a network reads no other file, and runs each of its operators once.

    Args:
        content: the file's bytes.
        label: what to call the file in messages.

    Raises:
        WeightsError: damaged, no ONNX file, or of another kind.
    """
    found: dict[str, str] = {}
    try:
        children = list(_children(memoryview(content), _MODEL))
        for kind, message in children:
            if kind == "property":
                key, value = (dict(_fields(message)).get(number, b"") for number in (1, 2))
                found[bytes(key).decode()] = bytes(value).decode()
            else:
                _check(kind, message, label)
        if "graph" not in dict(children):
            raise ValueError("it has no graph")
    except (ValueError, TypeError, IndexError) as error:
        raise damaged(label, error) from error
    return found


def find_weights(content: bytearray, label: str) -> tuple[memoryview, list[memoryview]]:
    """The graph of an ONNX file and, in it, the bytes of each float32 tensor, in the file's order.

    Args:
        content: the file's bytes; what is found are parts of it, and writable.
        label: what to call the file in messages.

    Raises:
        WeightsError: damaged, or no ONNX file.
    """
    try:
        graph, tensors = _tensors(memoryview(content))
    except (ValueError, IndexError, KeyError) as error:
        raise damaged(label, error) from error
    values = [tensor.get(_RAW_DATA) for tensor in tensors if tensor.get(_DATA_TYPE) == _FLOAT]
    return graph, [value for value in values if isinstance(value, memoryview)]


def has_int8_weights(content: bytes) -> bool:
    """Whether an ONNX file, which `read_metadata` has read, is of a network in int8."""
    return any(tensor.get(_DATA_TYPE) == _INT8 for tensor in _tensors(memoryview(content))[1])


def _tensors(content: memoryview) -> tuple[memoryview, list[dict[int, int | memoryview]]]:
    """The graph, and the fields of its tensors."""
    graph = dict(_children(content, _MODEL))["graph"]
    return graph, [dict(_fields(part)) for _, part in _children(graph, {5: "tensor"})]


def _check(kind: str, message: memoryview, label: str) -> None:
    if kind in _REFUSED:
        raise WeightsError(
            f"{label}: the network has {_REFUSED[kind]}; give a model that splitsr exported"
        )
    for child, part in _children(message, _CHILDREN[kind]):
        _check(child, part, label)


def _children(message: memoryview, kinds: dict[int, str]) -> Iterator[tuple[str, memoryview]]:
    for number, value in _fields(message):
        if number in kinds and isinstance(value, memoryview):
            yield kinds[number], value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message of Protocol Buffers, by number; those with a size as their bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        size, at = _varint(message, at) if kind == _SIZED else (_FIXED.get(kind, -1), at)
        if not 0 <= size <= len(message) - at:
            raise ValueError("a field is cut off")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A whole number of 7 bits a byte, the lowest first, and where the next field begins."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            break
    return value, at


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
