"""What `splitsr upscale` is asked to do: which files, and where each result goes."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from splitsr.batch.job import Job
from splitsr.cli.inputs import STDIN, STDOUT, STREAM, Found, Search, entry_of, is_stream
from splitsr.cli.options import BadCall
from splitsr.errors import ImageWriteError
from splitsr.imaging.codecs.formats import (
    IMAGE_SUFFIXES,
    WRITABLE,
    format_for,
    format_of,
    suffix_for,
    writable_format,
)
from splitsr.runtime.upscale_file import is_same_file

_RESULT = re.compile(r"(.+)_(?:x\d+(?:\.\d+)?|(?=\d)(?:\d+w)?(?:\d+h)?(?:\d+px)?)")
"""Names of results, without their ending."""


@dataclass(frozen=True)
class Plan:
    """Everything that was asked for.

    Attributes:
        jobs: images, in the order of the call.
        problems: inputs that give no job, with the reason.
        left_out: inputs that are results of others, with the other.
        unread: images of folders that were passed over, counted by kind.
    """

    jobs: tuple[Job, ...]
    problems: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[Path, Path], ...] = ()
    unread: Mapping[str, int] = field(default_factory=dict)


def plan_jobs(
    inputs: tuple[str, ...],
    out: str | None,
    *,
    name: str,
    output_format: str | None = None,
    recursive: bool = False,
) -> Plan:
    """Finds the inputs and names the outputs. Writes nothing.

    Args:
        inputs: files, folders, patterns (for shells that do not expand them), or `-` alone. A pipe
            or a device is one like `-`: it has no name that an output could have.
        out: a file, a folder or `-`; None for names beside the inputs. What exists as a folder,
            ends in a slash or has no ending is a folder.
        name: of a result, without its ending; `{stem}` in it stands for the input's.
        output_format: `png`, `jpeg`, ...; by default each input's own.
        recursive: look into subfolders, too.

    Raises:
        BadCall: an input that is its own output, one file for many results, or standard input
            among others.
    """
    out = STREAM if out in STDOUT else out
    if len(inputs) == 1 and is_stream(inputs[0]):
        return Plan((_stream_job(inputs[0], out, output_format),))
    search = Search(recursive=recursive, own=None if out is None else os.path.realpath(out))
    for text in inputs:
        search.add(text)
    many = len(inputs) > 1 or len(search.found) > 1 or Path(inputs[0]).is_dir()
    if out is not None and (out == STREAM or not _is_folder(out, many=many)):
        if many:
            raise BadCall(f"-o {out}: several images need a folder; end its name with a slash")
        made = [_single_job(file.path, out, output_format) for file in search.found]
        return Plan(tuple(made), tuple(search.problems), unread=search.unread)
    root = None if out is None else Path(out)
    targets = {file: _target(file, root, name, output_format) for file in search.found}
    left_out = _results(targets)
    for file in left_out:
        del targets[file]
    refused = _clashes(targets)
    made = [
        Job(file.path, target, format_for(target), makes_folder=root is not None)
        for file, target in targets.items()
        if file not in refused
    ]
    return Plan(
        tuple(made),
        (*search.problems, *((str(file.path), reason) for file, reason in refused.items())),
        tuple((file.path, source.path) for file, source in left_out.items()),
        search.unread,
    )


def _stream_job(text: str, out: str | None, output_format: str | None) -> Job:
    source = None if text in STDIN else Path(text)
    if out in (None, STREAM):
        return Job(source, None, writable_format(output_format).name if output_format else None)
    if _is_folder(str(out), many=False):
        raise BadCall(f"{out}: an image from {text} has no name; give -o a file")
    return _named_job(source, Path(str(out)), output_format)


def _single_job(source: Path, out: str, output_format: str | None) -> Job:
    if out == STREAM:
        name = output_format or _kept_suffix(source)
        return Job(source, None, writable_format(name).name)
    return _named_job(source, Path(out), output_format)


def _named_job(source: Path | None, target: Path, output_format: str | None) -> Job:
    """A job whose output was named by the caller."""
    asked = writable_format(output_format).name if output_format else None
    try:
        named = format_for(target)
    except ImageWriteError as error:
        if asked is None or target.suffix.lower() in IMAGE_SUFFIXES:
            raise BadCall(str(error)) from None
        return _checked(source, target, asked)  # an ending that says nothing
    if asked not in (None, named):
        raise BadCall(f"{target}: its ending says {named}, --format says {asked}; drop one")
    return _checked(source, target, named)


def _checked(source: Path | None, target: Path, output_format: str) -> Job:
    if source is not None and is_same_file(source, target):
        raise BadCall(f"{source}: would be its own output; name another with -o")
    return Job(source, target, output_format)


def _is_folder(out: str, *, many: bool) -> bool:
    path = Path(out)
    if path.exists():
        return path.is_dir()
    if out.endswith(("/", os.sep)) or not path.suffix:
        return True
    # `photos.v2` may well be a folder, `photo.png` not.
    return many and path.suffix.lower() not in IMAGE_SUFFIXES


def _target(file: Found, root: Path | None, name: str, output_format: str | None) -> Path:
    kept = _kept_suffix(file.path)
    matches = output_format is None or format_for(f"x{kept}") == writable_format(output_format).name
    suffix = kept if matches else suffix_for(str(output_format))
    folder = file.path.parent if root is None else root / file.relative.parent
    return folder / (name.replace("{stem}", file.path.stem) + suffix)


def _kept_suffix(source: Path) -> str:
    """The input's own ending, if its content has that format; or the content's; or PNG's."""
    found = format_of(source)
    try:
        named = format_for(source)
        return source.suffix if found in (None, named) else suffix_for(str(found))
    except ImageWriteError:
        return suffix_for(found if found in WRITABLE else WRITABLE[0])


def _results(targets: dict[Found, Path]) -> dict[Found, Found]:
    """The inputs that are results of others, by this call or an earlier one, and those others.

    That is NAME_xS beside an input NAME, whatever S and the endings, and what has the name of an
    output of this call.
    """
    by_output = {entry_of(target): file for file, target in targets.items()}
    by_stem = {(entry_of(file.path)[0], file.path.stem): file for file in targets}
    results = {}
    for file in targets:
        folder, _ = entry = entry_of(file.path)
        name = _RESULT.fullmatch(file.path.stem)
        source = by_output.get(entry) or (name and by_stem.get((folder, name[1])))
        if source and source is not file:
            results[file] = source
    return results


def _clashes(targets: dict[Found, Path]) -> dict[Found, str]:
    """The inputs whose output is another's too, or would replace an input; and why that is so."""
    inputs = {_place(file.path): file for file in targets}
    takers = defaultdict(list)
    for file, target in targets.items():
        takers[_place(target)].append(file)
    refused = {}
    for place, files in takers.items():
        for file in files:
            others = [other.path for other in files if other is not file]
            if others:
                refused[file] = (
                    f"{others[0]} would be written to {targets[file]} too; "
                    "enlarge them in separate calls"
                )
            elif place in inputs:
                refused[file] = f"its output {targets[file]} is the input {inputs[place].path}"
    return refused


def _place(path: Path) -> str:
    """The file behind links. On Windows names that differ in case only are one file."""
    return os.path.normcase(os.path.realpath(path))
