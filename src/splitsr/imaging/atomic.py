"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from splitsr.errors import ImageWriteError

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def _exists_error(target: Path) -> ImageWriteError:
    return ImageWriteError(f"{target}: the file exists already; overwriting was not asked for")


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
    if os.path.lexists(target) and not overwrite and not _is_device(target):
        raise _exists_error(target)
    folder = target.resolve().parent
    if not folder.is_dir():
        raise ImageWriteError(f"{target}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK | os.X_OK) and not _is_device(target):
        raise ImageWriteError(f"{target}: the folder {folder} is not writable")


def write_atomic(target: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write a file so that its name never stands for a part of it.

    The bytes go to a new file beside the target, reach the disk, and take the target's name in
    one step. Whatever fails, Ctrl-C included, leaves no such file and no changed target. A symbolic
    link stays one: the file that it points to is replaced. A new file has the mode that the umask
    gives, a replaced one keeps its mode. Devices and pipes are written directly.

    Args:
        target: the file to write.
        data: all of its content.
        overwrite: replace an existing file. If False, one that appears even at the last moment,
            from another process, is left as it is.

    Raises:
        ImageWriteError: the target exists (overwrite=False), or the system refuses.
    """
    check_target(target, overwrite=overwrite)
    with _naming(target):
        if _is_device(target):
            target.write_bytes(data)
        else:
            _replace(target.resolve(), data, overwrite=overwrite)


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


def _is_device(target: Path) -> bool:
    """Tell whether a target is no file and no folder: /dev/stdout must not be renamed over."""
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _replace(target: Path, data: bytes, *, overwrite: bool) -> None:
    # Named before it exists, so that `finally` finds it whenever the interrupt comes.
    part = target.parent / f".splitsr-{secrets.token_hex(8)}.part"
    try:
        _write_durably(part, data, like=target)
        if overwrite:
            part.replace(target)
        else:
            _rename_new(part, target)
        _sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _write_durably(part: Path, data: bytes, like: Path) -> None:
    # Mode 0666 is narrowed by the umask; tempfile would give 0600.
    descriptor = os.open(
        part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666
    )
    with os.fdopen(descriptor, "wb") as file:
        with contextlib.suppress(OSError):  # no such file, or not ours: the umask's mode then
            part.chmod(stat.S_IMODE(like.stat().st_mode))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


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
