"""Reads the code blocks and links of the documents, and runs their commands."""

from __future__ import annotations

import re
import shlex
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import call_main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("examples/**/*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        document: where it stands.
        line: of its fence.
        mark: of a comment on the line above, such as `run`.
        language: as the fence says, such as `sh`.
        text: what stands between the fences.
    """

    document: Path
    line: int
    mark: str | None
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[list[str]]:
        """The words of each line of a shell block, comments left out."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def read_blocks(document: Path) -> list[Block]:
    """All blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    return [
        Block(
            document,
            text.count("\n", 0, match.start("language")) + 1,
            match["mark"],
            match["language"],
            match["text"],
        )
        for match in _BLOCK.finditer(text)
    ]


def run_here(call: list[str], folder: Path) -> None:
    """Runs a command of ours in a folder, in this process, and expects it to succeed."""
    assert call[0] == "splitsr"
    with chdir(folder):
        done = call_main(*call[1:])
    assert done.returncode == 0, done.stderr


def local_links(document: Path) -> list[str]:
    """What a document links to in this repository, relative to it."""
    text = document.read_text(encoding="utf-8")
    return [link for link in _LINK.findall(text) if "://" not in link]
