"""One file that a browser is given: its content, what it is, and how long it may be kept."""

from __future__ import annotations

import gzip
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

SUFFIXES = {"br": ".br", "gzip": ".gz"}
"""Of the files that hold a content compressed, by HTTP's name of how, the smallest first."""

_COMPRESSIBLE = {".css", ".html", ".js", ".json", ".mjs", ".svg", ".wasm", ".webmanifest"}

# Names that Vite makes of the content's hash: another content has another name.
_HASHED = re.compile(r"assets/[^/]+-[\w-]{8}\.\w+")


@dataclass(frozen=True)
class Resource:
    """A file of the site.

    Attributes:
        path: where it lies, relative to the site, with `/`.
        load: reads or makes the content; called once, when it is first asked for.
        brotli: a file with the content compressed, if there is one.
    """

    path: str
    load: Callable[[], bytes]
    brotli: Path | None = None

    @classmethod
    def of_file(cls, path: str, file: Path) -> Resource:
        """A resource whose content is in a file, and compressed perhaps in one beside it."""
        brotli = file.with_name(file.name + SUFFIXES["br"])
        return cls(path, file.read_bytes, brotli if brotli.is_file() else None)

    @classmethod
    def of(cls, path: str, content: bytes) -> Resource:
        """A resource whose content is there already."""
        return cls(path, lambda: content)

    @cached_property
    def content(self) -> bytes:
        """The bytes, which stay the same until the program ends."""
        return self.load()

    @property
    def encodings(self) -> tuple[str, ...]:
        """The ways in which it can be had compressed, as HTTP names them, the smallest first."""
        if self._suffix not in _COMPRESSIBLE:
            return ()
        return ("br", "gzip") if self.brotli else ("gzip",)

    def encoded(self, encoding: str | None) -> bytes:
        """The content compressed in one of its `encodings`, or as it is."""
        if encoding == "br" and self.brotli:
            return self.brotli.read_bytes()
        return self._gzip if encoding == "gzip" else self.content

    def etag(self, encoding: str | None) -> str:
        """The entity tag, which changes with the content and with how it is compressed."""
        return f'"{self._digest}{"-" if encoding else ""}{encoding or ""}"'

    def files(self) -> dict[str, str | None]:
        """Paths of the files that it is for a host of plain files, with how each is compressed."""
        return {self.path: None} | {self.path + SUFFIXES[name]: name for name in self.encodings}

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:32]

    @cached_property
    def _gzip(self) -> bytes:
        return gzip.compress(self.content, mtime=0)

    @property
    def _suffix(self) -> str:
        return PurePosixPath(self.path).suffix

    @property
    def media_type(self) -> str:
        """The content's type, as HTTP names it."""
        return _MEDIA_TYPES.get(self._suffix, _UNKNOWN)

    @property
    def cache_control(self) -> str:
        """How long it may be kept: for ever if the name tells the content, else until asked."""
        if _HASHED.fullmatch(self.path):
            return "public, max-age=31536000, immutable"
        return "no-cache"
