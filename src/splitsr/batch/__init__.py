"""A batch of images: on this machine, or on a cluster."""
