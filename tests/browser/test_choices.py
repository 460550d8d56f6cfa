"""Size and quality are chosen in words for people, wherever they are needed."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage


def choose(zoom: ZoomPage, sheet: str, kind: str, value: str) -> None:
    zoom[f"#{sheet}-dialog [data-choice={kind}] input[value='{value}']"].check(force=True)
    zoom.wait_ready()


def test_they_choose_the_model(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.small)["#upscale-all"].click()
    choose(zoom, "save", "size", "2")
    zoom.page.wait_for_function("() => window.zoomsr.model === 'splitsr-fast-x2'")
    expect(zoom["#save-size"]).to_contain_text("192 × 128")
    choose(zoom, "save", "speed", "balanced")
    zoom.page.wait_for_function("() => window.zoomsr.model === 'splitsr-balanced-x2'")
    zoom["#save-close"].click()
    zoom["#settings-open"].click()
    chosen = zoom["#settings-dialog [data-choice] input:checked"]
    assert [found.input_value() for found in chosen.all()] == ["2", "balanced"]
    expect(zoom["#model-picker"]).to_have_value("splitsr-balanced-x2")


def test_a_choice_stays_while_its_model_is_on_the_way(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.small)["#upscale-all"].click()
    size = zoom["#save-dialog [data-choice=size] input[value='2']"]
    with zoom.holding_back("**/splitsr-fast-x2.onnx*"):
        size.check(force=True)
        zoom["#quality"].evaluate("range => range.dispatchEvent(new Event('input'))")  # shows all
        assert size.is_checked()
        assert zoom.ask("model") == "splitsr-fast-x4"
    zoom.page.wait_for_function("() => window.zoomsr.model === 'splitsr-fast-x2'")
    expect(size).to_be_checked()


def test_nobody_reads_jargon_who_does_not_ask_for_it(zoom: ZoomPage, photos: Photos) -> None:
    zoom.open(photos.small)
    for button, sheet in (("#settings-open", "settings"), ("#upscale-all", "save")):
        zoom[button].click()
        time = f"#{'choice' if sheet == 'settings' else 'save'}-time"
        zoom[f"{time}:not(:empty)"].wait_for()  # once it is known how fast this device is
        shown = zoom[f"#{sheet}-dialog"].inner_text()
        assert re.search(r"About \d+ (sec|min) for this photo", shown)
        assert not re.search(r"dB|MP\b|splitsr-|WebAssembly|[Bb]ilinear", shown)
        zoom[f"#{sheet}-close"].click()
