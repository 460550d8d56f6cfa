"""SRCNN (Dong et al. 2015)."""
