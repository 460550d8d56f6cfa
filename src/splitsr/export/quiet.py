"""Keeps what converters and runtimes say to their own developers off the terminal."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends what C++ prints to standard output to standard error, drops advice."""
    sys.stdout.flush()
    kept = os.dup(1)
    logging.disable(logging.WARNING)
    try:
        os.dup2(2, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        logging.disable(logging.NOTSET)
