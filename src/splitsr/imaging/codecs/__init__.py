"""Image formats: recognising, reading and writing them."""
