"""Grids of networks trained at one equal budget, and the search for the best within a budget."""
