"""The torch networks, built from a `ModelSpec`."""
