"""Training: configuration, loop, exact resume."""
