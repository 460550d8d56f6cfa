"""Standard streams that are closed, full or broken: the photos are done, and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsr.cli.output import markup, printable

Process = subprocess.CompletedProcess[bytes]
LOST = b"splitsr: cannot be written: "


@pytest.fixture
def shell(tmp_path: Path, photo: np.ndarray, tiny_model: Path) -> Callable[..., Process]:
    """Runs `splitsr upscale` on a.png and on a file that is none, as a shell's words say."""
    Image.fromarray(photo[:24, :16]).save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")

    def run(words: str, command: str = f"upscale --model {tiny_model} --overwrite") -> Process:
        program = f"{sys.executable} -c 'from splitsr.cli.main import main; main()' {command}"
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {program} {words}"],
            cwd=tmp_path,
            capture_output=True,
            timeout=120,
            check=False,
        )

    return run


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()
        return image.size


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("a.png >&-", 0, b""),  # nothing was to be printed
        ("a.png --json >&-", 1, LOST + b"Bad file descriptor\n"),
        ("a.png --json > /dev/full", 1, LOST + b"No space left on device\n"),
        ("a.png --json | head -c0", 1, b""),
        ("a.png 2>&-", 0, b""),
        ("a.png <&- >&- 2>&-", 0, b""),
        ("a.png broken.png 2>&-", 1, b""),
        ("broken.png a.png 2> /dev/full", 1, b""),
        ("broken.png a.png --json 2> >(head -c0)", 1, b""),
        ("broken.png a.png --json >&- 2>&-", 1, b""),
        ("a.png -o out.xyz 2>&-", 2, b""),
    ],
)
def test_the_photos_are_done_and_the_code_says_what_was_lost(
    shell: Callable[..., Process], tmp_path: Path, words: str, code: int, said: bytes
) -> None:
    done = shell(words)
    assert (done.returncode, done.stderr) == (code, said)
    if code != 2:
        assert size(tmp_path / "a_x4.png") == (64, 96)
    if done.stdout:
        assert len(json.loads(done.stdout)["results"]) == 2


@pytest.mark.parametrize("where", [">&-", "> /dev/full", "| head -c0"])
def test_a_photo_that_cannot_be_printed_has_failed(
    shell: Callable[..., Process], where: str
) -> None:
    done = shell(f"a.png -o - {where}")
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"<stdout>: cannot be written" in done.stderr


def test_a_closed_standard_input_fails_alone(shell: Callable[..., Process]) -> None:
    done = shell("- -o b.png <&-")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"splitsr: standard input: Bad file descriptor\n"


def test_no_file_gets_what_is_written_to_a_closed_stream(tmp_path: Path) -> None:
    """Without its stand-in, the photo would be opened as number 2."""
    program = (
        "import os, sys\n"
        "from splitsr.cli.output import occupy_streams\n"
        "occupy_streams()\n"
        "with open(sys.argv[1], 'wb') as photo:\n"
        "    assert photo.fileno() > 2\n"
        "    try:\n        os.write(2, b'noise of a library')\n"
        "    except OSError:\n        photo.write(b'whole')\n"
    )
    words = ["bash", "-c", 'exec "$@" 2>&- >&-', "bash", sys.executable, "-c", program]
    subprocess.run([*words, str(tmp_path / "photo")], check=True, timeout=60)
    assert (tmp_path / "photo").read_bytes() == b"whole"


@pytest.mark.parametrize("command", ["models", "--help", "models --json", "--version"])
@pytest.mark.parametrize("where", [">&-", "> /dev/full", "| head -c0"])
def test_what_only_prints_fails_if_it_cannot(
    shell: Callable[..., Process], command: str, where: str
) -> None:
    done = shell(where, command)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") <= 1


@pytest.mark.parametrize("words", ["", "data", "study"])
def test_a_bare_command_shows_its_help(
    words: str, call_splitsr: Callable[..., subprocess.CompletedProcess[bytes]]
) -> None:
    done = call_splitsr(*words.split())
    assert done.returncode == 2
    assert done.stderr.startswith(b"Usage: ")
    assert b"\n\nOptions:\n" in done.stderr
    assert b"\\n" not in done.stderr


def test_an_empty_standard_input_is_told(shell: Callable[..., Process]) -> None:
    done = shell("- > out.png < /dev/null")
    assert done.returncode == 1
    assert done.stderr == b"splitsr: standard input: the file is empty (0 bytes)\n"


def test_text_stays_on_its_line() -> None:
    odd = "a\n\r\t\x1b[2J\x07\x9b\u202e\udcff\u2028b"
    assert printable(odd) == r"a\n\r\t\x1b[2J\x07\x9b\u202e\udcff\u2028b"
    fine = "Größe 写真\u00a0\u202f1 é.png"
    assert printable(fine) == fine
    assert os.linesep not in printable(odd)
    assert markup("[/red]\n[b]") == r"\[/red]\n\[b]"


def test_a_name_is_no_markup(
    tiny_model: Path, tmp_path: Path, call_splitsr: Callable[..., Process]
) -> None:
    odd = tmp_path / "[" / "bold]\x1b[2J.onnx"
    odd.parent.mkdir()
    odd.write_bytes(tiny_model.read_bytes())
    done = call_splitsr("info", odd)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"bold]\x1b[2J.onnx" in done.stdout.replace(b"\n", b"")
