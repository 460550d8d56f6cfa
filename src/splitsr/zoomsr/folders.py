"""Where the built app and the photos lie: in an installed package, or in a checkout."""

from __future__ import annotations

from pathlib import Path

from splitsr.errors import ZoomError

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[2]  # of an editable installation


def app_folder() -> Path:
    """The folder of the built app, with its `index.html`.

    Raises:
        ZoomError: splitsr was installed without the app.
    """
    folder = _first(_PACKAGE / "app", _CHECKOUT / "web" / "dist")
    if not (folder / "index.html").is_file():
        raise ZoomError(
            "this installation of splitsr has no ZoomSR app, because npm was missing or failed "
            "when it was built: install Node.js 20 or newer and install splitsr again, or, in a "
            "checkout, run `npm ci && npm run build` in web/"
        )
    return folder


def photos_folder() -> Path:
    """The folder of the photos that come with the app."""
    return _first(_PACKAGE / "photos", _CHECKOUT / "examples")


def _first(packaged: Path, checkout: Path) -> Path:
    return packaged if packaged.is_dir() else checkout
