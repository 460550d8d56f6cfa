"""Training images: folders, packs, aligned patches."""
