"""Super-resolution that runs on the device: the SplitSR system."""

__version__ = "0.1.0"
