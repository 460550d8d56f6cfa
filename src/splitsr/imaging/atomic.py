"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import BinaryIO

from splitsr.errors import ImageWriteError

if sys.platform != "win32":
    import fcntl

_PART = re.compile(r"\.splitsr-[0-9a-f]{16}\.part")
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def _exists_error(target: Path) -> ImageWriteError:
    return ImageWriteError(
        f"{target}: already exists; replace it with --overwrite (in Python, overwrite=True)"
    )


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse a target that cannot be written, before any work is put into it.

    A later `write_atomic` may still fail: this only spares work.

    Raises:
        ImageWriteError: the target exists and may not be overwritten, is a folder, or its folder
            is missing or not writable.
    """
    with _naming(target):
        _check(target, overwrite=overwrite)


def _check(target: Path, *, overwrite: bool) -> None:
    if target.is_dir():
        raise ImageWriteError(f"{target}: is a folder; name a file")
    if os.path.lexists(target) and not overwrite and not is_device(target):
        raise _exists_error(target)
    folder = _real(target).parent
    if not folder.is_dir():
        raise ImageWriteError(f"{target}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK | os.X_OK) and not is_device(target):
        raise ImageWriteError(f"{target}: the folder {folder} is not writable")


def _real(path: Path) -> Path:
    """The file behind links; not by `Path.resolve`, which raises where they run in a circle."""
    return Path(os.path.realpath(path))


def write_atomic(target: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write a file so that its name never stands for a part of it; see `open_atomic`.

    Args:
        target: the file to write.
        data: all of its content.
        overwrite: replace an existing file.

    Raises:
        ImageWriteError: as `open_atomic`.
    """
    with open_atomic(target, overwrite=overwrite) as file:
        file.write(data)


@contextlib.contextmanager
def open_atomic(
    target: Path,
    *,
    overwrite: bool = False,
    like: Path | None = None,
    keep_times: bool = False,
) -> Iterator[BinaryIO]:
    """Give a file to write to, which gets its name at the end.

    The bytes go to a new file beside the target, reach the disk, and take the target's name in
    one step. Whatever fails, Ctrl-C included, leaves no such file and no changed target; on Linux
    the new file has no name before it is whole, so that a kill leaves nothing either. A symbolic
    link stays one: the file that it points to is replaced. A new file has the mode that the umask
    and `like` leave, a replaced one keeps its mode. Devices and pipes get the bytes at the end.
    What a kill has left in the folder, where files without a name are missing, is removed.

    Args:
        target: the file to write.
        overwrite: replace an existing file. If False, one that appears even at the last moment,
            from another process, is left as it is.
        like: a file whose permissions a new one does not exceed.
        keep_times: give the file the times of `like`, before it gets its name.

    Yields:
        The file, binary and seekable.

    Raises:
        ImageWriteError: the target exists (overwrite=False), or the system refuses.
    """
    check_target(target, overwrite=overwrite)
    with _naming(target):
        if is_device(target):
            with tempfile.TemporaryFile() as file:
                yield file
                _copy_to_device(file, target)
        else:
            real = _real(target)
            _sweep(real.parent)
            times = like.stat() if like and keep_times else None
            with _replaced(real, overwrite, _mode_of(like), times) as part:
                yield part


@contextlib.contextmanager
def part_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside a target, to move to it or into it; what is left is removed."""
    part = target.with_name(f".splitsr-{secrets.token_hex(8)}.part")
    try:
        part.mkdir(parents=True)
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Writes files in order; if one cannot be written, those before get their old content back.

    Raises:
        ImageWriteError: a file cannot be written.
    """
    before = {path: path.read_bytes() if path.is_file() else None for path in contents}
    written: list[Path] = []
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            written.append(path)
            write_atomic(path, content, overwrite=True)
    except BaseException:
        for path in reversed(written):
            _put_back(path, before[path])
        raise


def _put_back(path: Path, content: bytes | None) -> None:
    if content is not None and path.read_bytes() != content:
        write_atomic(path, content, overwrite=True)
    elif content is None and path.is_file():
        path.unlink()


@contextlib.contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Turn what the system says into one line about the target."""
    try:
        yield
    except FileExistsError:
        raise _exists_error(target) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageWriteError(f"{target}: cannot be written: {reason}") from error


def is_device(target: Path) -> bool:
    """Tell a pipe, a socket or a device: it is read once, and must not be renamed over."""
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _copy_to_device(file: BinaryIO, target: Path) -> None:
    file.seek(0)
    with target.open("wb") as device:
        shutil.copyfileobj(file, device)


@contextlib.contextmanager
def _replaced(
    target: Path, overwrite: bool, mode: int, times: os.stat_result | None
) -> Iterator[BinaryIO]:
    # Named before it exists, so that `finally` finds it whenever the interrupt comes.
    part = target.parent / f".splitsr-{secrets.token_hex(8)}.part"
    try:
        with _durable(part, target, overwrite, mode, times) as file:
            yield file
        if overwrite:
            part.replace(target)
        elif os.path.lexists(part):
            _rename_new(part, target)
        _sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _durable(
    part: Path, target: Path, overwrite: bool, mode: int, times: os.stat_result | None
) -> Iterator[BinaryIO]:
    """Give a file that, once it is on the disk, is called `part`, or at once `target` if it can.

    A name is given to a file without one only if it is free: then no other is needed first.
    """
    nameless = _open_nameless(part.parent, mode)
    descriptor = _open_new(part, mode) if nameless is None else nameless
    with os.fdopen(descriptor, "w+b") as file:
        _keep_mode(file, target)
        yield file
        _sync(file, part, times)
        if nameless is None or _name(nameless, part if overwrite else target):
            return
        with os.fdopen(_open_new(part, mode), "w+b") as copy:
            _keep_mode(copy, target)
            file.seek(0)
            shutil.copyfileobj(file, copy)
            _sync(copy, part, times)


def _keep_mode(file: BinaryIO, like: Path) -> None:
    if hasattr(os, "fchmod"):
        with contextlib.suppress(OSError):  # no such file, or not ours: the umask's mode then
            os.fchmod(file.fileno(), stat.S_IMODE(like.stat().st_mode))


def _sync(file: BinaryIO, part: Path, times: os.stat_result | None) -> None:
    file.flush()
    if times is not None:
        place = file.fileno() if os.utime in os.supports_fd else part
        os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
    os.fsync(file.fileno())


def _mode_of(like: Path | None) -> int:
    """The mode to ask for, which the umask narrows further; tempfile would give 0600."""
    with contextlib.suppress(OSError):
        found = 0 if like is None else like.stat().st_mode
        if stat.S_ISREG(found):
            return found & 0o666
    return 0o666


def _open_new(part: Path, mode: int) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        descriptor = os.open(part, flags, mode)
        _lock(descriptor)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # swept away before it was locked


def _lock(descriptor: int, *, wait: bool = True) -> bool:
    """Marks a part as being written, until it is closed; False if it is already, or cannot be."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


@cache
def _sweep(folder: Path) -> None:
    """Removes parts that nobody writes any more; once a process, as folders may be large."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _PART.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_if_left(Path(entry.path))


def _remove_if_left(part: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(part, os.O_RDONLY)
        try:
            if _lock(descriptor, wait=False):
                part.unlink()
        finally:
            os.close(descriptor)


def _open_nameless(folder: Path, mode: int) -> int | None:
    """Open a file that no folder lists: when a process is killed, nothing of it is left.

    Only Linux has them, and not on every file system; the answer is None elsewhere.
    """
    if sys.platform != "linux" or not Path("/proc/self/fd").is_dir():
        return None
    try:
        descriptor = os.open(folder, os.O_RDWR | os.O_TMPFILE, mode)
    except OSError:  # whatever else is wrong shows when the file is made by its name
        return None
    _lock(descriptor)
    return descriptor


def _name(descriptor: int, path: Path) -> bool:
    """Give a nameless file its name; False on a file system that has no links."""
    try:
        # With any src_dir_fd, Python asks the system to follow /proc's link to the file.
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    return True


def _rename_new(part: Path, target: Path) -> None:
    """Give the part its name unless the name is taken: in one step, as a hard link fails if it is.

    Raises:
        FileExistsError: the name is taken.
    """
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _claim_and_rename(part, target)


def _claim_and_rename(part: Path, target: Path) -> None:
    """Do the same on a file system without hard links, by creating the name exclusively first."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        part.replace(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    # Without this a crash may lose the name. Not every system lets a folder be opened.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
