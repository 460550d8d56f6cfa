"""EDSR (Lim et al. 2017)."""
