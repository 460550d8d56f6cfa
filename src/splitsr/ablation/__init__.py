"""Ablation studies: a grid of networks, trained at one equal budget."""
