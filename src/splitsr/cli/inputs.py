"""The images behind what `splitsr upscale` is given: files, folders, patterns, streams."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from splitsr.cli.options import BadCall
from splitsr.imaging.atomic import is_device
from splitsr.imaging.codecs.formats import IMAGE_SUFFIXES, UNREAD_SUFFIXES

STREAM = "-"
STDIN = frozenset({STREAM, "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
STDOUT = frozenset({STREAM, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})


@dataclass(frozen=True)
class Found:
    """A file that is an input, and its place below the folder that it was found through."""

    path: Path
    relative: Path


def entry_of(path: Path) -> tuple[str, str]:
    """What tells a name from others: its folder, whatever links lead there, and the name itself."""
    return os.path.realpath(path.parent), path.name


def is_stream(text: str) -> bool:
    """Whether an input is read once and has no name: a pipe, a device, or a descriptor's file."""
    return text in STDIN or text.startswith(("/dev/fd/", "/proc/")) or is_device(Path(text))


class Search:
    """Looks for the files behind inputs.

    Attributes:
        found: them, each name once.
        problems: inputs that are none, with the reason.
        unread: images of kinds that splitsr does not read, counted by kind.
    """

    def __init__(self, *, recursive: bool, own: str | None) -> None:
        """Takes whether to look below folders, and the call's own output, which is no input."""
        self._recursive, self._own = recursive, own
        self._found: dict[tuple[str, str], Found] = {}
        self.problems: list[tuple[str, str]] = []
        self.unread: Counter[str] = Counter()

    @property
    def found(self) -> list[Found]:
        """The files, in the order of the call."""
        return list(self._found.values())

    def add(self, text: str) -> None:
        """Finds what one input stands for, or notes why there is nothing.

        Raises:
            BadCall: standard input, which is read alone.
        """
        path = Path(text)
        if text in STDIN:
            raise BadCall("- reads one image from standard input; give it alone")
        if text.startswith(("http://", "https://")):
            self.problems.append((text, "is a web address; download it first"))
        elif path.is_dir():
            files = [Found(file, file.relative_to(path)) for file in self._walk(path)]
            below = "" if self._recursive else "; --recursive looks below it"
            self._take(text, files, f"no image in this folder{below}")
        elif not os.path.lexists(path) and glob.has_magic(text):
            names = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 (may be absolute)
            files = [Found(Path(name), Path(Path(name).name)) for name in names]
            self._take(text, files, "no image has a name like this")
        elif is_stream(text):
            self.problems.append((text, "is a pipe or a device and has no name; give it alone"))
        else:
            self._enter(Found(path, Path(path.name)))

    def _walk(self, folder: Path) -> Iterator[Path]:
        """All files of a folder by name, but hidden ones and what lies in the call's own output."""
        for root, folders, names in os.walk(folder, onerror=self._report):
            folders[:] = sorted(
                name
                for name in folders
                if self._recursive
                and not name.startswith(".")
                and os.path.realpath(Path(root, name)) != self._own
            )
            yield from (Path(root, name) for name in sorted(names) if not name.startswith("."))

    def _report(self, error: OSError) -> None:
        self.problems.append((str(error.filename), f"cannot be listed: {error.strerror}"))

    def _take(self, text: str, files: list[Found], missing: str) -> None:
        """Takes the images among files that nobody named, and says if there are none."""
        wanted = []
        for file in files:
            suffix = file.path.suffix.lower()
            if suffix in IMAGE_SUFFIXES and not file.path.is_dir():
                wanted.append(file)
            elif suffix in UNREAD_SUFFIXES:
                self.unread[suffix[1:].upper()] += 1
        for file in wanted:
            if is_device(file.path):
                reason = "is a pipe, a socket or a device, no file; name it to have it read"
                self.problems.append((str(file.path), reason))
            else:
                self._enter(file)
        unlisted = any(name == text for name, _ in self.problems)
        if not wanted and not unlisted:
            self.problems.append((text, missing))

    def _enter(self, file: Found) -> None:
        self._found.setdefault(entry_of(file.path), file)
