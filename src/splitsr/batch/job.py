"""What a batch is asked for, image by image, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from splitsr.batch.target_size import TargetSize
from splitsr.imaging.atomic import is_device
from splitsr.imaging.files import DEFAULT_MAX_PIXELS, Photo, PhotoRows
from splitsr.runtime.upscaler import Progress

STDIN, STDOUT = "standard input", "standard output"


class Watch(Protocol):
    """Is told how far a batch is."""

    def start(self, name: str, size: int) -> None:
        """An image is waited for: its name and size, as `Job.size` has it."""

    def tile(self, progress: Progress) -> None:
        """A tile of it is done; of small images, that all are."""

    def finish(self) -> None:
        """It is done, or given up."""


@dataclass(frozen=True)
class Job:
    """One image to enlarge.

    Attributes:
        source: the file; None for standard input.
        target: the file to write; None for standard output.
        output_format: Pillow's name of the format; None for that of the input, or PNG.
        makes_folder: whether the target's folder is created if it is missing.
    """

    source: Path | None
    target: Path | None
    output_format: str | None
    makes_folder: bool = False

    @property
    def reads_once(self) -> bool:
        """Whether the input is a pipe or a device."""
        return self.source is None or is_device(self.source)

    @property
    def size(self) -> int:
        """Bytes of the input, the best measure of work before it is opened; at least 1."""
        try:
            return max(1, self.source.stat().st_size) if self.source else 1
        except OSError:
            return 1


@dataclass(frozen=True)
class Settings:
    """What all jobs of a batch share, beside the upscaler.

    Attributes:
        scale: the enlargement, from 1 to 64.
        quality: 1 to 100, for formats that lose detail; None for the format's default.
        skip_existing: leave out a job whose target exists.
        overwrite: replace a target that exists.
        max_pixels: most pixels of an input; more are refused before they are decoded.
        size: what each image is to reach instead of `scale`.
        strip_metadata: write nothing of the input's but its colour profile.
        keep_times: give an output the input's time of last change.
    """

    scale: float
    quality: int | None = None
    skip_existing: bool = False
    overwrite: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS
    size: TargetSize | None = None
    strip_metadata: bool = False
    keep_times: bool = False

    def scale_of(self, image: Photo | PhotoRows) -> float:
        """The enlargement of one image.

        Raises:
            ImageWriteError: it cannot reach `size`.
        """
        return self.size.scale(image.height, image.width) if self.size else self.scale


@dataclass(frozen=True)
class Result:
    """What became of one input; one item of the JSON.

    Attributes:
        input: the file.
        output: the file that was written, or would have been.
        status: `done`, `skipped` (the output was there, or the input is another's output) or
            `failed`.
        model: the networks that were used, in order, joined by ` + `.
        scale: the enlargement.
        size_in: height and width of the input.
        size_out: height and width of the output.
        restore: strength of restoration, 0 to 1.
        restore_reason: what it was chosen for, such as `JPEG quality 75, noise 1.2`.
        seconds: from opening the input to the written output.
        error: why it failed.
        notes: what of the input is not in the output, each in a few words.
    """

    input: str
    output: str | None
    status: Literal["done", "skipped", "failed"]
    model: str | None = None
    scale: float | None = None
    size_in: tuple[int, int] | None = None
    size_out: tuple[int, int] | None = None
    restore: float | None = None
    restore_reason: str | None = None
    seconds: float | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def complaint(self) -> str:
        """Why it failed, in one line that begins with the file that it is about."""
        message = self.error or ""
        # Errors about a file begin with its name; the others do not know it.
        names = (self.input, self.output or self.input)
        return message if message.startswith(names) else f"{self.input}: {message}"


def failed(job: Job, settings: Settings, error: str) -> Result:
    """The result of a job that failed."""
    scale = None if settings.size else settings.scale
    return Result(*names_of(job), "failed", scale=scale, error=error)


def names_of(job: Job) -> tuple[str, str]:
    """What to call a job's input and output."""
    return _name(job.source, STDIN), _name(job.target, STDOUT)


def _name(path: Path | None, stream: str) -> str:
    return stream if path is None else str(path)
