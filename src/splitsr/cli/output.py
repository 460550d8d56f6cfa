"""What commands print, to streams that may be closed, full or broken."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from typing import TextIO

import click

_STREAMS = (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_RDONLY))


def say(message: str) -> None:
    """Prints a line about the work on standard error; if that fails, the work goes on without.

    Args:
        message: what to say. Names of files in it may hold anything: they stay on the line.
    """
    try:
        click.echo(f"splitsr: {printable(message)}", err=True)
    except OSError:
        give_up(sys.stderr)


def printable(text: str) -> str:
    """The text in one line, with whatever a terminal could obey written as an escape."""
    return "".join(
        letter
        if letter.isprintable() or unicodedata.category(letter) == "Zs"
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def markup(text: str) -> str:
    """The text in one line, as it has to stand in what Rich prints to be shown as it is."""
    from rich.markup import escape

    return escape(printable(text))


def occupy_streams() -> None:
    """Puts something in the place of closed streams that fails when it is used, as they would.

    Otherwise a stream's number is given to the next file that is opened, and what a library prints
    ends up in that.
    """
    for name, mode, flags in _STREAMS:
        if getattr(sys, name) is None:
            raw = io.FileIO(os.open(os.devnull, flags), mode)
            raw.name = f"<{name}>"
            buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
            setattr(sys, name, io.TextIOWrapper(buffer))


def end(code: int) -> int:
    """The exit code, 1 in place of 0 if standard output was not written; no error comes after it.

    Args:
        code: what it would be.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            give_up(stream)
            if stream is sys.stdout and code == 0:
                say(f"standard output: cannot be written: {error.strerror}")
                code = 1
    return code


def give_up(stream: TextIO) -> None:
    """Lets what the stream still holds go nowhere: Python flushes it once more when it ends."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
