"""Written whole or not at all: disk full, races, Ctrl-C, links, modes."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from splitsr.errors import ImageWriteError
from splitsr.imaging import atomic
from splitsr.imaging.atomic import write_atomic
from splitsr.imaging.files import Photo, read_photo, write_photo
from tests.patience import PATIENCE_S

PHOTO = Photo(np.arange(300, dtype=np.uint8).reshape(10, 10, 3))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_file_follows_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_photo(PHOTO, tmp_path / "out.png")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out.png").stat().st_mode) == 0o640
    assert names(tmp_path) == ["out.png"]
    np.testing.assert_array_equal(read_photo(tmp_path / "out.png").color, PHOTO.color)


@pytest.mark.parametrize(
    ("given", "umask", "expected"),
    [(0o600, 0o022, 0o600), (0o644, 0o077, 0o600), (0o755, 0o022, 0o644), (0o440, 0o022, 0o440)],
)
def test_no_one_may_read_the_new_file_who_may_not_read_the_old(
    tmp_path: Path, given: int, umask: int, expected: int
) -> None:
    source = tmp_path / "in.png"
    source.write_bytes(b"a photo")
    source.chmod(given)
    old = os.umask(umask)
    try:
        write_photo(PHOTO, tmp_path / "out.png", like=source)
        write_photo(PHOTO, tmp_path / "plain.png", like=tmp_path / "missing.png")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out.png").stat().st_mode) == expected
    assert stat.S_IMODE((tmp_path / "plain.png").stat().st_mode) == 0o666 & ~umask


def test_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"precious")
    target.chmod(0o604)
    with pytest.raises(ImageWriteError, match=r"out\.png: already exists"):
        write_photo(PHOTO, target)
    assert target.read_bytes() == b"precious"
    write_photo(PHOTO, target, overwrite=True)
    assert read_photo(target).height == 10
    assert stat.S_IMODE(target.stat().st_mode) == 0o604
    assert names(tmp_path) == ["out.png"]


def test_only_one_of_many_writers_wins(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    start = threading.Barrier(8)
    won: list[int] = []

    def work(number: int) -> None:
        start.wait()
        try:
            write_atomic(target, bytes([number]) * 100_000)
        except ImageWriteError:
            return
        won.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert target.read_bytes() == bytes(won) * 100_000
    assert names(tmp_path) == ["out.bin"]


def test_file_that_appears_while_writing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.bin"
    fsync = os.fsync

    def appear(descriptor: int) -> None:
        target.write_bytes(b"theirs")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", appear)
    with pytest.raises(ImageWriteError, match="already exists"):
        write_atomic(target, b"ours")
    assert target.read_bytes() == b"theirs"
    assert names(tmp_path) == ["out.bin"]


@pytest.mark.parametrize("taken", [False, True])
def test_file_system_without_hard_links(
    taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.bin"

    def no_links(*_: object, **__: object) -> None:
        if taken:
            target.write_bytes(b"theirs")
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    if taken:
        with pytest.raises(ImageWriteError, match="already exists"):
            write_atomic(target, b"ours")
    else:
        write_atomic(target, b"ours")
    assert target.read_bytes() == (b"theirs" if taken else b"ours")
    assert names(tmp_path) == ["out.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is a POSIX limit")
@pytest.mark.parametrize("exists", [False, True])
def test_no_room_leaves_nothing(exists: bool, tmp_path: Path) -> None:
    # A real write that the kernel refuses midway, as a full disk does.
    target = tmp_path / "out.png"
    if exists:
        target.write_bytes(b"precious")
    program = (
        "import resource, signal, sys, numpy as np\n"
        "from splitsr.errors import ImageWriteError\n"
        "from splitsr.imaging.files import Photo, write_photo\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))\n"
        "noise = np.random.default_rng(1).integers(0, 256, (90, 90, 3), dtype=np.uint8)\n"
        "try:\n"
        "    write_photo(Photo(noise), sys.argv[1], overwrite=True)\n"
        "except ImageWriteError as error:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, limits)\n"
        "    sys.exit(str(error))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(target)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.strip() == f"{target}: cannot be written: File too large"
    assert names(tmp_path) == (["out.png"] if exists else [])
    assert not exists or target.read_bytes() == b"precious"


@pytest.mark.parametrize("step", ["fsync", "replace", "link"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_failure_at_any_step_leaves_nothing(
    step: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.bin"
    overwrite = step == "replace"
    if overwrite:
        target.write_bytes(b"precious")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Path if step == "replace" else os, step, fail)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else ImageWriteError
    with pytest.raises(expected):
        write_atomic(target, b"ours", overwrite=overwrite)
    assert names(tmp_path) == (["out.bin"] if overwrite else [])
    assert not overwrite or target.read_bytes() == b"precious"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_interrupts_at_random_moments_leave_whole_files(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from splitsr.imaging.atomic import write_atomic\n"
        "number = 0\n"
        "while True:\n"
        "    write_atomic(Path(sys.argv[1]), bytes([number]) * 3_000_000, overwrite=True)\n"
        "    if not number:\n"
        "        print('ready', flush=True)\n"
        "    number = number % 255 + 1\n"
    )
    for delay in (0.0, 0.011, 0.023, 0.037):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(target)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.05 + delay)
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_S)
        assert process.returncode != 0
        assert names(tmp_path) == ["out.bin"]
        content = target.read_bytes()
        assert content == content[:1] * 3_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files without a name")
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_kill_before_the_end_leaves_nothing(overwrite: bool, tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    if overwrite:
        target.write_bytes(b"precious")
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from splitsr.imaging.atomic import write_atomic\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"write_atomic(Path(sys.argv[1]), b'x' * 3_000_000, overwrite={overwrite})\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert names(tmp_path) == (["out.bin"] if overwrite else [])
    assert not overwrite or target.read_bytes() == b"precious"


WITHOUT_NAMELESS = """
import os, signal, sys, time
from pathlib import Path
from splitsr.imaging import atomic
atomic._open_nameless = lambda *_: None
with atomic.open_atomic(Path(sys.argv[1])) as file:
    file.write(b"x" * 3_000_000)
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_what_a_kill_left_is_removed_by_the_next_run_and_nothing_else(tmp_path: Path) -> None:
    """Two processes write; one is killed, and the other still writes when a third comes."""
    words = [sys.executable, "-c", WITHOUT_NAMELESS]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    foreign = [".splitsr-note.part", ".splitsr-0123456789abcdef.part.png", "a.part"]
    for name in foreign:
        (tmp_path / name).write_bytes(b"not ours")
    (tmp_path / ".splitsr-0123456789abcdef.part").mkdir()
    with (
        subprocess.Popen([*words, str(tmp_path / "killed.bin")], **pipes) as killed,  # type: ignore[call-overload]
        subprocess.Popen([*words, str(tmp_path / "slow.bin")], **pipes) as slow,  # type: ignore[call-overload]
    ):
        assert (killed.stdout.readline(), slow.stdout.readline()) == (b"writing\n",) * 2
        killed.kill()
        killed.wait(60)
        assert len(list(tmp_path.glob(".splitsr-*.part"))) == 4

        third = "import sys; from pathlib import Path; from splitsr.imaging.atomic import *; "
        third += "write_atomic(Path(sys.argv[1]), b'new')"
        subprocess.run([sys.executable, "-c", third, str(tmp_path / "new.bin")], check=True)
        assert len(list(tmp_path.glob(".splitsr-*.part"))) == 3
        slow.communicate(timeout=60)
    assert (tmp_path / "slow.bin").stat().st_size == 3_000_000
    kept = [*foreign, ".splitsr-0123456789abcdef.part", "new.bin", "slow.bin"]
    assert names(tmp_path) == sorted(kept)


def test_links_in_a_circle_are_one_line(tmp_path: Path) -> None:
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    with pytest.raises(ImageWriteError, match=r"loop\.png: already exists"):
        write_photo(PHOTO, loop)
    assert loop.is_symlink()


@pytest.mark.skipif(not hasattr(os, "symlink") or sys.platform == "win32", reason="symbolic links")
def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    real = tmp_path / "store" / "real.bin"
    real.write_bytes(b"old")
    link = tmp_path / "link.bin"
    link.symlink_to(real)
    with pytest.raises(ImageWriteError, match="already exists"):
        write_atomic(link, b"new")
    write_atomic(link, b"new", overwrite=True)
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert names(tmp_path / "store") == ["real.bin"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_pipes_and_devices_are_written_directly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_atomic(pipe, b"through the pipe")
    reader.join()
    assert got == [b"through the pipe"]
    assert names(tmp_path) == ["pipe"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_full_device() -> None:
    with pytest.raises(ImageWriteError, match="No space left on device"):
        write_atomic(Path("/dev/full"), b"x")
    full = Path("/dev/full")
    with (
        full.open("wb", buffering=0) as stream,
        pytest.raises(ImageWriteError, match=r"full.*No space left"),
    ):
        write_photo(PHOTO, stream, format="png")


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageWriteError, match="is a folder"):
        write_photo(PHOTO, tmp_path, format="png")
    with pytest.raises(ImageWriteError, match="missing does not exist"):
        write_photo(PHOTO, tmp_path / "missing" / "out.png")
    with pytest.raises(ImageWriteError, match="cannot be written: File name too long"):
        write_photo(PHOTO, tmp_path / ("n" * 300 + ".png"))
    # Tests may run as root, whom no mode stops: the answer of access() is given instead.
    monkeypatch.setattr(atomic.os, "access", lambda *_: False)
    with pytest.raises(ImageWriteError, match="is not writable"):
        write_photo(PHOTO, tmp_path / "out.png")
    assert names(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_folder_that_is_not_writable(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ImageWriteError, match="is not writable"):
            write_photo(PHOTO, tmp_path / "out.png")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("nameless", [False, True])
def test_a_file_has_its_times_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nameless: bool, overwrite: bool
) -> None:
    source, target, seen = tmp_path / "in.png", tmp_path / "out.png", list[float]()
    source.touch()
    os.utime(source, (1_000_000_000, 1_100_000_000))
    if not nameless:
        monkeypatch.setattr(atomic, "_open_nameless", lambda *_: None)
    monkeypatch.setattr(atomic, "_sync_folder", lambda _: seen.append(target.stat().st_mtime))
    write_photo(PHOTO, target, like=source, keep_times=True, overwrite=overwrite)
    assert seen == [1_100_000_000]
