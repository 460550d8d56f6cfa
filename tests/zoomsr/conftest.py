"""A page that stands for the built app, so that the server is tested without npm."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitsr.zoomsr.folders import photos_folder
from splitsr.zoomsr.site import Site, build_site

SCRIPT = "assets/index-BxY3_k-9.js"


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as web/dist is."""
    folder = tmp_path_factory.mktemp("package") / "app"
    files = {
        "index.html": "<!doctype html><title>ZoomSR</title>",
        SCRIPT: "export {}",
        "assets/ort.wasm": "\0asm",
        "assets/ort.wasm.br": "as the build compressed it",
        "manifest.webmanifest": "{}",
        "icons/icon.svg": "<svg/>",
        ".sources": "a hash",
        "models/index.json": "what its development left there",
    }
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.fixture(scope="session")
def site(app: Path) -> Site:
    return build_site(app, photos_folder())
