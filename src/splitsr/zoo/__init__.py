"""What ships: the catalogue of models, their files, loading and verifying."""
