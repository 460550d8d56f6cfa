"""A real Chromium, the built app behind its own server, and the photos that are opened in it.

Most tests share a tab, in which each starts the app anew. Left out, with the reason, where there is
no Chromium or no built app; with SPLITSR_REQUIRE_BROWSER in the environment, as in CI, that is a
failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from splitsr import ZoomError
from splitsr.zoomsr.site import Site, build_site
from tests.browser.chromium import DESKTOP, NAMES, PHONE, find_chromium, started
from tests.browser.photos import Photos, make_photos
from tests.browser.server import Server
from tests.browser.zoom_page import ZoomPage
from tests.patience import PATIENCE_S

# With motion, one would measure the animations' end and not the app's.
CALM = {"reduced_motion": "reduce", "locale": "en-US"}


def leave_out(reason: str) -> None:
    if os.environ.get("SPLITSR_REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def site() -> Site:
    try:
        return build_site()
    except ZoomError as error:
        leave_out(str(error))
        raise


@pytest.fixture(scope="session")
def browser(site: Site) -> Iterator[Browser]:  # noqa: ARG001 (without the app, no browser)
    program = find_chromium()
    if program is None:
        leave_out(f"no Chromium: none of {', '.join(NAMES)} is on the path")
        return
    expect.set_options(timeout=PATIENCE_S * 1000)
    with started(program) as browser:
        yield browser


@pytest.fixture(scope="session")
def server(site: Site) -> Iterator[Server]:
    with Server(site) as server:
        yield server


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Photos:
    return make_photos(tmp_path_factory.mktemp("photos"), repo_root / "examples")


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Iterator[Callable[[bool], ZoomPage]]:
    """Tabs that are used again: where ONNX Runtime ran before, it starts in half the time."""
    made: dict[bool, ZoomPage] = {}

    def tab(is_phone: bool) -> ZoomPage:
        if is_phone not in made:
            options: dict[str, Any] = {
                **(PHONE if is_phone else DESKTOP),
                **CALM,
                "service_workers": "block",
            }
            made[is_phone] = ZoomPage(browser.new_context(**options).new_page())
        return made[is_phone]

    yield tab
    for zoom in made.values():
        zoom.page.context.close()


@pytest.fixture
def open_tab(tabs: Callable[[bool], ZoomPage], server: Server) -> Iterator[Callable[..., ZoomPage]]:
    """A tab in which nobody has used the app yet, but for choices that are given.

    One without a service worker; whatever the page complains of fails the test.
    """
    used: list[ZoomPage] = []

    def open_tab(
        url: str | None = None, size: tuple[int, int] | None = None, **choices: str
    ) -> ZoomPage:
        zoom = tabs(size is not None)
        used.append(zoom)
        width, height = size or DESKTOP["viewport"].values()
        return zoom.afresh(url or server.url, {"width": width, "height": height}, **choices)

    yield open_tab
    for zoom in used:
        assert zoom.complaints == []


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes profiles of their own, each a first visit."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        options = {**DESKTOP, **CALM, **options}
        contexts.append(browser.new_context(**options))
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def new_zoom(
    new_context: Callable[..., BrowserContext], server: Server
) -> Iterator[Callable[..., ZoomPage]]:
    """The app in a profile of its own, with a service worker; complaints fail the test."""
    pages: list[ZoomPage] = []

    def make(url: str | None = None, **options: Any) -> ZoomPage:
        pages.append(ZoomPage(new_context(**options).new_page(), url or server.url))
        return pages[-1]

    yield make
    for page in pages:
        assert page.complaints == []


@pytest.fixture
def zoom(open_tab: Callable[..., ZoomPage]) -> ZoomPage:
    """The app on a desktop, its engine ready."""
    return open_tab().visit()
