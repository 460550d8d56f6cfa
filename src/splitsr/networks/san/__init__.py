"""SAN (Dai et al. 2019)."""
