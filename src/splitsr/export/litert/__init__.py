"""The converter to LiteRT (TensorFlow Lite)."""
