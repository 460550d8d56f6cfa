"""The app's page, by the hooks that web/README.md lists."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image
from playwright.sync_api import (
    ConsoleMessage,
    Dialog,
    Error,
    Locator,
    Page,
    Request,
    Route,
    ViewportSize,
)

from tests.patience import PATIENCE_S

_WATCH_LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
}).observe({type: "longtask"});
"""
# As if the user had chosen it: on a machine that is busy the app would choose a lighter one.
_MODEL = {"model": "splitsr-fast-x4"}
_DECODE = """async (base64) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes]), {imageOrientation: "from-image"});
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const png = await canvas.convertToBlob();
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(png);
  });
}"""


def _choosing(choices: dict[str, str]) -> str:
    """A script by which the app starts with choices, until others are made."""
    return "".join(
        f"try {{ localStorage['zoomsr.{name}'] ??= '{value}'; }} catch {{}}"
        for name, value in choices.items()
    )


class ZoomPage:
    """One tab with the app.

    Attributes:
        page: Playwright's.
        complaints: what the page wrote to the console as an error, or threw.
    """

    def __init__(self, page: Page, url: str = "") -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.add_init_script(_WATCH_LONG_TASKS)
        self._scripts = [page.add_init_script(_choosing(_MODEL))]

    def _on_console(self, message: ConsoleMessage) -> None:
        is_icon = message.location["url"].endswith("/favicon.ico")  # of `afresh`'s quiet page
        if message.type == "error" and not is_icon:
            self.complaints.append(message.text)

    def __getitem__(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def afresh(self, url: str, viewport: ViewportSize, **choices: str) -> Self:
        """As before a first visit, in a tab that was used already; with choices made before."""
        self.url = url
        accept: Callable[[Dialog], None] = lambda dialog: dialog.accept()  # noqa: E731 (to remove)
        self.page.on("dialog", accept)  # whatever the test before would have lost
        quiet = url + "icons/icon.svg"  # of the app's origin: another one gets another process
        with suppress(Error):  # the way back from a sheet may still be under way, and wins
            self.page.goto(quiet)
        self.page.goto(quiet)
        self.page.remove_listener("dialog", accept)
        storage = {"origin": url.rstrip("/"), "storageTypes": "local_storage"}
        session = self.page.context.new_cdp_session(self.page)
        session.send("Storage.clearDataForOrigin", storage)
        session.detach()
        for script in self._scripts:
            script.close()
        self._scripts = []
        self.run_first(_choosing({**_MODEL, **choices}))
        self.page.context.clear_permissions()
        self.page.context.unroute_all()
        self.page.set_viewport_size(viewport)
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.complaints.clear()
        return self

    def run_first(self, script: str) -> Self:
        """Runs a script before the app whenever that is loaded, until the tab is used `afresh`."""
        self._scripts.append(self.page.add_init_script(script))
        return self

    def visit(self, fragment: str = "") -> Self:
        """Goes to the app and waits until its engine has started."""
        self.page.goto(self.url + fragment)
        return self.wait_ready()

    def wait_ready(self) -> Self:
        self.page.wait_for_selector("html[data-engine=ready]", state="attached")
        return self

    def settle(self) -> Self:
        """Waits until the service worker has fetched all that it keeps."""
        self.page.wait_for_selector("html[data-offline=ready]", state="attached")
        return self

    def reload(self) -> Self:
        """Reloads the page once its history has settled: the way back from a sheet would win."""
        self.page.wait_for_function(
            """() => history.state.depth === document.querySelectorAll("dialog[open]").length
                 + Number(window.zoomsr.view() !== null) + Number(location.hash === "#study")"""
        )
        self.page.reload()
        return self

    def choose_model(self, name: str) -> Self:
        """Chooses a model in the settings, and waits until it can be run."""
        self.open_advanced()
        self["#model-picker"].select_option(name)
        self.wait_ready()
        self["#settings-close"].click()
        return self

    def open_advanced(self) -> None:
        """Opens the settings and what is folded up in them."""
        self["#settings-open"].click()
        self["#advanced"].evaluate("details => { details.open = true; }")

    @property
    def state(self) -> str:
        return str(self.page.evaluate("document.documentElement.dataset.state"))

    def wait(self, *states: str) -> Self:
        """Waits until the app is in one of the states."""
        selectors = ",".join(f"html[data-state={state}]" for state in states)
        self.page.wait_for_selector(selectors, state="attached")
        return self

    def open(self, photo: Path) -> Self:
        """Opens a photo and waits until it is shown."""
        self.choose(photo)
        return self.wait_photo(photo.name)

    def wait_photo(self, name: str) -> Self:
        """Waits until the photo of this name is shown."""
        self.page.wait_for_function("(n) => window.zoomsr.view()?.photo.name === n", arg=name)
        return self.wait("view", "sharpening", "sharp")

    def choose(self, file: Path) -> None:
        """Chooses a file, and waits for nothing."""
        self["#file-input"].set_input_files(file)

    def press(self, key: str) -> Self:
        self["#stage"].press(key)
        return self

    @property
    def view(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate("window.zoomsr.view()")
        return found

    def ask(self, member: str) -> Any:
        """A member of `window.zoomsr`."""
        return self.page.evaluate(f"window.zoomsr.{member}")

    def decoded(self, photo: Path) -> np.ndarray:
        """A photo as this browser decodes it, (H, W, 3) uint8.

        Decoders of JPEG differ by a level; networks are compared on the same input.
        """
        content = b64encode(photo.read_bytes()).decode()
        png = b64decode(self.page.evaluate(_DECODE, content).partition(",")[2])
        return np.asarray(Image.open(BytesIO(png)).convert("RGB"))

    def start_upscaling(self, image_format: str = "png") -> Self:
        """Asks for the whole photo, and waits for nothing."""
        self["#upscale-all"].click()
        self[f"#format-picker input[value={image_format}]"].check(force=True)
        self["#upscale-start"].click()
        return self

    def download(self) -> tuple[str, bytes]:
        """The name and the content of the result."""
        self.wait("done")
        with self.page.expect_download() as waiting:
            self["#download"].click()
        return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()

    def upscaled(self) -> np.ndarray:
        """The whole photo, enlarged and downloaded as PNG, (H, W, 3) uint8."""
        _, content = self.start_upscaling().download()
        return np.asarray(Image.open(BytesIO(content)).convert("RGB"))

    def screenshot(self, selector: str = "#stage") -> np.ndarray:
        """What a part of the page looks like, (H, W, 3) uint8."""
        return np.asarray(Image.open(BytesIO(self[selector].screenshot())).convert("RGB"))

    @contextmanager
    def holding_back(self, address: str) -> Iterator[None]:
        """What is asked of an address waits until the end; by then something must have been."""
        held: list[Route] = []
        is_over = False

        def hold(route: Route) -> None:
            if is_over:
                route.continue_()
            else:
                held.append(route)

        self.page.route(address, hold)
        with self.page.expect_request(address):
            yield
        is_over = True
        for route in held:
            route.continue_()
        self.page.unroute(address, hold)

    @contextmanager
    def silent(self, asked: list[Any]) -> Iterator[None]:
        """No request goes out: none that the page makes, none that reaches the server.

        But for one that is the browser's own, at a time of its own: whether there is a newer
        service worker.
        """
        made: list[str] = []

        def note(request: Request) -> None:
            if not request.url.startswith("blob:"):  # which is memory of the page's own
                made.append(request.url)

        before = len(asked)
        self.page.context.on("request", note)
        yield
        self.page.context.remove_listener("request", note)
        assert made == [], made
        ours = [request for request in asked[before:] if request != ("GET", "/sw.js", "")]
        assert ours == [], ours
