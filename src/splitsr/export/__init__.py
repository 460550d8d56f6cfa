"""Export of trained networks to runtimes."""
