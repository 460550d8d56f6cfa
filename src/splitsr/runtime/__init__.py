"""From an LR array to an SR array, with NumPy and ONNX Runtime alone."""
