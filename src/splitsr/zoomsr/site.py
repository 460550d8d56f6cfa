"""The site: every path that a browser may ask for, for the server and the export alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from splitsr.zoo.catalogue import Catalogue, shipped_catalogue
from splitsr.zoomsr.folders import app_folder, photos_folder
from splitsr.zoomsr.models import FOLDER, model_resources
from splitsr.zoomsr.resources import SUFFIXES, Resource

Site = Mapping[str, Resource]
"""Resources by their path. What is not in it does not exist: no path reaches the disk."""

INDEX = "index.html"


def build_site(
    app: Path | None = None, photos: Path | None = None, catalogue: Catalogue | None = None
) -> Site:
    """Gathers the app's files and the models.

    Args:
        app: folder of the built app; by default the one that ships.
        photos: folder of the study's photos; by default those that ship.
        catalogue: the models; by default those that ship.

    Raises:
        ZoomError: splitsr was installed without the app.
        WeightsError: a model's file is missing or damaged.
    """
    app = app_folder() if app is None else app
    photos = photos_folder() if photos is None else photos
    catalogue = shipped_catalogue() if catalogue is None else catalogue
    resources = [*_app_resources(app), *model_resources(catalogue, photos)]
    return {resource.path: resource for resource in resources}


def _app_resources(app: Path) -> Iterator[Resource]:
    """The app's files, but hidden ones and models that its development left there."""
    for file in sorted(app.rglob("*")):
        path = file.relative_to(app)
        hidden = any(part.startswith(".") for part in path.parts)
        if file.suffix in SUFFIXES.values():  # of the resource beside it
            continue
        if file.is_file() and not hidden and path.parts[0] != FOLDER:
            yield Resource.of_file(path.as_posix(), file)
