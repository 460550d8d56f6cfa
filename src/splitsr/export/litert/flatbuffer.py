"""LiteRT's flatbuffer: tensors, operators and constants become the bytes of a `.tflite` file.

The format is TensorFlow Lite's schema version 3; its classes come with ai-edge-litert.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # of constants, as the schema demands
_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.int32): schema.TensorType.INT32,
}
# The version in which an operator learned what is used of it here; (float, int8).
_VERSIONS = {"CONV_2D": (6, 6), "DEPTHWISE_CONV_2D": (1, 3), "DEQUANTIZE": (3, 2)}
_FLOAT_VERSION, _INT8_VERSION = 1, 2


@dataclass(frozen=True)
class Quantised:
    """How int8 stands for real values: real = scale * (value - zero).

    Attributes:
        scale: one number, or one for each channel of `axis`.
        zero: one number; 0 with several scales.
        axis: of the channels.
    """

    scale: npt.NDArray[np.float32]
    zero: int = 0
    axis: int = 0

    def of(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
        """Real values as int8, the nearest there is."""
        shape = [1] * values.ndim
        if self.scale.size > 1:
            shape[self.axis] = -1
        levels = np.rint(values / self.scale.reshape(shape)) + self.zero
        clipped: npt.NDArray[np.int8] = np.clip(levels, -128, 127).astype(np.int8)
        return clipped


class GraphFile:
    """A graph in the making; tensors are known by their number."""

    def __init__(self) -> None:
        """Begins with the empty buffer that the format demands."""
        self._buffers: list[schema.BufferT] = [schema.BufferT()]
        self._tensors: list[schema.TensorT] = []
        self._operators: list[schema.OperatorT] = []
        self._codes: dict[str, int] = {}
        self._versions: dict[str, int] = {}

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: npt.DTypeLike = np.float32,
        quantised: Quantised | None = None,
        *,
        dynamic: bool = False,
    ) -> int:
        """Adds a tensor that an operator computes; `dynamic` ones have any height and width."""
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = list(shape)
        if dynamic and len(shape) == 4:
            tensor.shapeSignature = [-1 if axis in (1, 2) else s for axis, s in enumerate(shape)]
        tensor.type = _TYPES[np.dtype(dtype)]
        tensor.quantization = _quantisation(quantised)
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def rename(self, tensor: int, name: str) -> None:
        """Names a tensor."""
        self._tensors[tensor].name = name

    def constant(
        self, name: str, values: npt.NDArray[Any], quantised: Quantised | None = None
    ) -> int:
        """Adds a tensor with its values."""
        index = self.tensor(name, values.shape, values.dtype, quantised)
        self._tensors[index].buffer = self._buffer(np.ascontiguousarray(values).tobytes())
        return index

    def operator(
        self,
        kind: str,
        inputs: list[int],
        output: int,
        options: Any = None,  # noqa: ANN401
    ) -> int:
        """Adds an operator, `kind` by the schema's name, and returns `output`."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes.setdefault(kind, len(self._codes))
        operator.inputs, operator.outputs = inputs, [output]
        if options is not None:
            title = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, title)
            operator.builtinOptions = options
        is_int8 = schema.TensorType.INT8 in (
            self._tensors[inputs[0]].type,
            self._tensors[output].type,
        )
        least = _VERSIONS.get(kind, (_FLOAT_VERSION, _INT8_VERSION))[is_int8]
        self._versions[kind] = max(self._versions.get(kind, 1), least)
        self._operators.append(operator)
        return output

    def content(
        self, inputs: dict[str, int], outputs: dict[str, int], notes: dict[str, str]
    ) -> bytes:
        """The file.

        Args:
            inputs: of the graph, by the name in its signature.
            outputs: the same.
            notes: metadata, text by name.
        """
        model = schema.ModelT()
        model.version = 3
        model.description = "splitsr"
        model.operatorCodes = [self._code(kind) for kind in self._codes]
        model.subgraphs = [self._subgraph(inputs, outputs)]
        model.signatureDefs = [_signature(inputs, outputs)]
        model.metadata = [self._note(name, text) for name, text in notes.items()]
        model.buffers = self._buffers
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), _IDENTIFIER)
        return bytes(builder.Output())

    def _buffer(self, data: bytes) -> int:
        buffer = _AlignedBuffer()
        buffer.data = data
        self._buffers.append(buffer)
        return len(self._buffers) - 1

    def _code(self, kind: str) -> schema.OperatorCodeT:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = self._versions[kind]
        return code

    def _subgraph(self, inputs: dict[str, int], outputs: dict[str, int]) -> schema.SubGraphT:
        graph = schema.SubGraphT()
        graph.name = "main"
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = list(inputs.values()), list(outputs.values())
        return graph

    def _note(self, name: str, text: str) -> schema.MetadataT:
        note = schema.MetadataT()
        note.name, note.buffer = name, self._buffer(text.encode())
        return note


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A constant at an address that vector instructions like."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 (the schema's name)
        builder.StartVector(1, len(self.data), _ALIGNMENT)
        builder.head -= len(self.data)
        builder.Bytes[builder.head : builder.head + len(self.data)] = self.data
        data = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


def _quantisation(quantised: Quantised | None) -> schema.QuantizationParametersT | None:
    if quantised is None:
        return None
    parameters = schema.QuantizationParametersT()
    parameters.scale = quantised.scale.reshape(-1).tolist()
    parameters.zeroPoint = [quantised.zero] * quantised.scale.size
    parameters.quantizedDimension = quantised.axis
    return parameters


def _signature(inputs: dict[str, int], outputs: dict[str, int]) -> schema.SignatureDefT:
    def ports(tensors: dict[str, int]) -> list[schema.TensorMapT]:
        maps = []
        for name, index in tensors.items():
            port = schema.TensorMapT()
            port.name, port.tensorIndex = name, index
            maps.append(port)
        return maps

    signature = schema.SignatureDefT()
    signature.signatureKey = "serving_default"
    signature.inputs, signature.outputs = ports(inputs), ports(outputs)
    return signature
