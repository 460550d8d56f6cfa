"""Bilinear and bicubic interpolation, as a network without weights."""
