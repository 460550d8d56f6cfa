"""What `splitsr upscale` is asked to do: which files, and where each result goes."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from splitsr.cli.options import BadCall
from splitsr.errors import ImageWriteError
from splitsr.imaging.formats import (
    IMAGE_SUFFIXES,
    WRITABLE,
    format_for,
    format_of,
    suffix_for,
    writable_format,
)
from splitsr.runtime.batch import Job
from splitsr.runtime.photos import is_same_file

STREAM = "-"


@dataclass(frozen=True)
class Plan:
    """Everything that was asked for.

    Attributes:
        jobs: photos, in the order of the call.
        problems: inputs that give no job, with the reason.
        left_out: inputs that are results of others, with the other.
    """

    jobs: tuple[Job, ...]
    problems: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[Path, Path], ...] = ()


@dataclass(frozen=True)
class _Found:
    """A file that is an input, and its place below the folder that it was found through."""

    path: Path
    relative: Path


def plan_jobs(
    inputs: tuple[str, ...],
    out: str | None,
    *,
    scale: float,
    output_format: str | None = None,
    recursive: bool = False,
) -> Plan:
    """Finds the inputs and names the outputs. Writes nothing.

    Args:
        inputs: files, folders, patterns (for shells that do not expand them), or `-` alone.
        out: a file, a folder or `-`; None for names beside the inputs. What exists as a folder,
            ends in a slash or has no ending is a folder.
        scale: for the names.
        output_format: `png`, `jpeg`, ...; by default each input's own.
        recursive: look into the folders of folders.

    Raises:
        BadCall: two inputs for one output, an input that is its own output, one file for many
            results, or standard input among others.
    """
    if STREAM in inputs:
        return _plan_stream(inputs, out, output_format)
    own = None if out is None else Path(out).resolve()
    found, problems = _find(inputs, recursive, own)
    many = len(inputs) > 1 or len(found) > 1 or Path(inputs[0]).is_dir()
    if out is not None and (out == STREAM or not _is_folder(out, many=many)):
        return _plan_single(found, problems, out, output_format, many=many)
    root = None if out is None else Path(out)
    targets = {file: _target(file, root, scale, output_format) for file in found}
    jobs, left_out = _separate(targets)
    _refuse_collisions(jobs)
    made = [
        _job(file.path, target, format_for(target), makes_folder=root is not None)
        for file, target in jobs.items()
    ]
    return Plan(tuple(made), tuple(problems), left_out)


def _job(
    source: Path | None, target: Path, output_format: str, *, makes_folder: bool = False
) -> Job:
    if source is not None and is_same_file(source, target):
        raise BadCall(f"{source}: would be its own output; name another with -o")
    return Job(source, target, output_format, makes_folder)


def _plan_stream(inputs: tuple[str, ...], out: str | None, output_format: str | None) -> Plan:
    if len(inputs) > 1:
        raise BadCall("- reads one photo from standard input; give it alone")
    name = writable_format(output_format).name if output_format else None
    if out in (None, STREAM):
        return Plan((Job(None, None, name),))
    if _is_folder(str(out), many=False):
        raise BadCall(f"{out}: a photo from standard input has no name; give -o a file")
    return Plan((_named_job(None, Path(str(out)), output_format),))


def _plan_single(
    found: list[_Found],
    problems: list[tuple[str, str]],
    out: str,
    output_format: str | None,
    *,
    many: bool,
) -> Plan:
    if many:
        raise BadCall(f"-o {out}: several photos need a folder; end its name with a slash")
    if not found:
        return Plan((), tuple(problems))
    source = found[0].path
    if out == STREAM:
        name = output_format or _kept_suffix(source)
        return Plan((Job(source, None, writable_format(name).name),))
    return Plan((_named_job(source, Path(out), output_format),))


def _named_job(source: Path | None, target: Path, output_format: str | None) -> Job:
    """A job whose output was named by the caller."""
    asked = writable_format(output_format).name if output_format else None
    try:
        named = format_for(target)
    except ImageWriteError as error:
        if asked is None or target.suffix.lower() in IMAGE_SUFFIXES:
            raise BadCall(str(error)) from None
        return _job(source, target, asked)  # an ending that says nothing
    if asked not in (None, named):
        raise BadCall(f"{target}: its ending says {named}, --format says {asked}; drop one")
    return _job(source, target, named)


def _is_folder(out: str, *, many: bool) -> bool:
    path = Path(out)
    if path.exists():
        return path.is_dir()
    if out.endswith(("/", os.sep)) or not path.suffix:
        return True
    # `photos.v2` may well be a folder, `photo.png` not.
    return many and path.suffix.lower() not in IMAGE_SUFFIXES


def _find(
    inputs: tuple[str, ...], recursive: bool, own: Path | None
) -> tuple[list[_Found], list[tuple[str, str]]]:
    """The files behind the inputs, each once, and what is wrong with the others."""
    found: dict[Path, _Found] = {}
    problems: list[tuple[str, str]] = []
    for text in inputs:
        for file in _files_of(text, recursive, own, problems):
            found.setdefault(file.path.resolve(), file)
    return list(found.values()), problems


def _files_of(
    text: str, recursive: bool, own: Path | None, problems: list[tuple[str, str]]
) -> list[_Found]:
    """The files behind one input; adds to `problems` if there are none."""
    path = Path(text)
    if path.is_dir():
        files = [_Found(f, f.relative_to(path)) for f in _images(path, recursive, own, problems)]
        missing = "no image in this folder" + ("" if recursive else "; --recursive looks below it")
    elif not os.path.lexists(path) and glob.has_magic(text):
        files = [_Found(file, Path(file.name)) for file in _matches(text)]
        missing = "no image has a name like this"
    else:
        return [_Found(path, Path(path.name))]
    if not files:
        problems.append((text, missing))
    return files


def _images(
    folder: Path, recursive: bool, own: Path | None, problems: list[tuple[str, str]]
) -> Iterator[Path]:
    """Image files of a folder in the order of their names.

    Hidden ones are not meant, nor is what lies in a folder below that is the call's own output.
    """

    def report(error: OSError) -> None:
        problems.append((str(error.filename), f"cannot be listed: {error.strerror}"))

    for root, folders, names in os.walk(folder, onerror=report):
        folders[:] = sorted(
            name
            for name in folders
            if recursive and not name.startswith(".") and Path(root, name).resolve() != own
        )
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                yield Path(root, name)


def _matches(pattern: str) -> Iterator[Path]:
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 (patterns may be absolute)
        if Path(name).is_file() and Path(name).suffix.lower() in IMAGE_SUFFIXES:
            yield Path(name)


def _target(file: _Found, root: Path | None, scale: float, output_format: str | None) -> Path:
    kept = _kept_suffix(file.path)
    matches = output_format is None or format_for(f"x{kept}") == writable_format(output_format).name
    suffix = kept if matches else suffix_for(str(output_format))
    folder = file.path.parent if root is None else root / file.relative.parent
    return folder / f"{file.path.stem}_x{scale:g}{suffix}"


def _kept_suffix(source: Path) -> str:
    """The input's own ending, if its content has that format; or the content's; or PNG's."""
    found = format_of(source)
    try:
        named = format_for(source)
        return source.suffix if found in (None, named) else suffix_for(str(found))
    except ImageWriteError:
        return suffix_for(found if found in WRITABLE else WRITABLE[0])


def _separate(
    targets: dict[_Found, Path],
) -> tuple[dict[_Found, Path], tuple[tuple[Path, Path], ...]]:
    """Takes out the inputs that are outputs of others: results of an earlier call."""
    maker = {target.resolve(): file for file, target in targets.items()}
    jobs, left_out = {}, []
    for file, target in targets.items():
        source = maker.get(file.path.resolve())
        if source is None or source is file:
            jobs[file] = target
        else:
            left_out.append((file.path, source.path))
    return jobs, tuple(left_out)


def _refuse_collisions(jobs: dict[_Found, Path]) -> None:
    taken: dict[str, _Found] = {}
    for file, target in jobs.items():
        # On Windows names that differ in case only are one file.
        other = taken.setdefault(os.path.normcase(target.resolve()), file)
        if other is not file:
            raise BadCall(
                f"{other.path} and {file.path} would both be written to {target}; "
                "enlarge them in separate calls"
            )
