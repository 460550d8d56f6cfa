"""Pixels: files, arrays, colour and resizing, with NumPy and Pillow alone."""
