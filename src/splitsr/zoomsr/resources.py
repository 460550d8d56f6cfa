"""One file that a browser is given: its content, what it is, and how long it may be kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

# Written down here because Python's own table depends on the machine, and a browser refuses a
# module, a worker or WebAssembly of another type.
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_UNKNOWN = "application/octet-stream"

# Names that Vite makes of the content's hash: another content has another name.
_HASHED = re.compile(r"assets/[^/]+-[\w-]{8}\.\w+")


@dataclass(frozen=True)
class Resource:
    """A file of the site.

    Attributes:
        path: where it lies, relative to the site, with `/`.
        load: reads or makes the content; called once, when it is first asked for.
    """

    path: str
    load: Callable[[], bytes]

    @classmethod
    def of_file(cls, path: str, file: Path) -> Resource:
        """A resource whose content is in a file."""
        return cls(path, file.read_bytes)

    @classmethod
    def of(cls, path: str, content: bytes) -> Resource:
        """A resource whose content is there already."""
        return cls(path, lambda: content)

    @cached_property
    def content(self) -> bytes:
        """The bytes, which stay the same until the program ends."""
        return self.load()

    @cached_property
    def etag(self) -> str:
        """The entity tag, which changes with the content."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    @property
    def media_type(self) -> str:
        """The content's type, as HTTP names it."""
        return _MEDIA_TYPES.get(PurePosixPath(self.path).suffix, _UNKNOWN)

    @property
    def cache_control(self) -> str:
        """How long it may be kept: for ever if the name tells the content, else until asked."""
        if _HASHED.fullmatch(self.path):
            return "public, max-age=31536000, immutable"
        return "no-cache"
