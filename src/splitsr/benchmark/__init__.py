"""How fast networks are, and what they cost."""
