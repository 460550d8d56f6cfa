"""MobiSR's dispatch: a light and a heavy network share an image by difficulty."""
