"""SMFANet (Zheng et al. 2024)."""
