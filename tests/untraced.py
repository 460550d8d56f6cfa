"""Others' Python runs without coverage, which would double its time and counts none of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch


def untraced(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same without coverage of what it runs."""

    @wraps(call)
    def run(*arguments: Any, **options: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return call(*arguments, **options)
        finally:
            sys.settrace(tracer)

    return run


@contextmanager
def calls_untraced(*names: str) -> Iterator[None]:
    """Functions and methods of others, such as `torch.export.export`, run so."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(patch(name, untraced(resolve_name(name))))
        yield
