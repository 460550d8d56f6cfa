"""Every error that splitsr raises on purpose.

```
SplitSRError
├── SpecError               a network description that cannot be built
├── ConfigError             a training configuration that cannot be run
├── ImageError
│   ├── ImageReadError      a file that is missing, broken or not an image
│   ├── ImageTooLargeError  more pixels than the limit allows
│   ├── UnsupportedImageError  a real image of a kind that is not handled (animation, ...)
│   └── ImageWriteError     an output that cannot be written
├── ModelError
│   ├── UnknownModelError   a name that is in no catalogue
│   └── WeightsError        a weight file that is damaged or of another kind
├── DataError               a training pack that cannot be made or read
├── TrainingError           a run that cannot go on
│   └── NonFiniteError      a loss that became NaN or infinite
├── ZoomError               the web app is missing, or cannot be served or exported
├── MissingDependencyError  a package of an optional extra is not installed
└── ClusterError            a cluster that cannot be reached, or has no worker to give
```

Each message says what was wrong, what was found and what to do, in one line: the command line
prints it as it is.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class SplitSRError(Exception):
    """Base of all errors that splitsr raises on purpose."""


class SpecError(SplitSRError):
    """A network description with an impossible value.

    Attributes:
        field: name of the offending field.
    """

    def __init__(self, field: str, found: object, allowed: str) -> None:
        super().__init__(f"{field}: found {found!r}; allowed: {allowed}")
        self.field = field


class ConfigError(SplitSRError):
    """A training configuration with an unknown field or an impossible value."""


class ImageError(SplitSRError):
    """Base of the errors about one image."""


class ImageReadError(ImageError):
    """The file is missing, broken or not an image."""


class ImageTooLargeError(ImageError):
    """The image has more pixels than the limit allows."""


class UnsupportedImageError(ImageError):
    """A real image, but of a kind that splitsr does not handle."""


class ImageWriteError(ImageError):
    """The output could not be written; nothing was left behind."""


class ModelError(SplitSRError):
    """Base of the errors about a network or its weights."""


class UnknownModelError(ModelError):
    """No model of that name; the message names the closest ones."""


class WeightsError(ModelError):
    """A weight file that is damaged, incomplete or of another kind."""


class DataError(SplitSRError):
    """A training pack that cannot be made or read."""


class TrainingError(SplitSRError):
    """A training run that cannot start or go on."""


class NonFiniteError(TrainingError):
    """The loss became NaN or infinite; the last good checkpoint is kept."""


class ZoomError(SplitSRError):
    """The web app is missing, or cannot be served or exported."""


class MissingDependencyError(SplitSRError):
    """A package of an optional extra is needed and not installed."""


class ClusterError(SplitSRError):
    """A cluster cannot be reached, or none of its workers can be used."""


@contextmanager
def naming_extra(what: str, extra: str) -> Iterator[None]:
    """Says what to install where an import fails.

    Args:
        what: needs the package.
        extra: of splitsr, that brings it.

    Raises:
        MissingDependencyError: a package is not installed, or cannot be loaded.
    """
    try:
        yield
    except ImportError as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        reason = missing.partition(".")[0] if missing else str(error).partition("\n")[0]
        raise MissingDependencyError(
            f"{what} needs {reason}: pip install 'splitsr[{extra}]'"
        ) from None
