"""RCAN (Zhang et al. 2018)."""
