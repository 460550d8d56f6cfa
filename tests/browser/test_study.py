"""The study of preference, gone through to its CSV, which `splitsr study analyse` reads."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.photos import Photos
from tests.browser.zoom_page import ZoomPage


def go_through(zoom: ZoomPage, participant: str, seed: str) -> Path:
    """Answers every pair with "left, much better", and exports."""
    begin(zoom, participant, seed)
    pairs = 0
    while not zoom["#study-export"].is_visible():
        zoom["#study-left"].wait_for()
        before = zoom["#study-progress"].inner_text()
        zoom["[name=preference][data-value='-2']"].click()
        zoom.page.wait_for_function(
            """(before) => document.querySelector("#study-export")?.checkVisibility()
                 || document.querySelector("#study-progress").innerText !== before""",
            arg=before,
        )
        pairs += 1
        assert pairs < 100
    with zoom.page.expect_download() as waiting:
        zoom["#study-export"].click()
    return Path(waiting.value.path())


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def test_its_answers_can_be_analysed(
    zoom: ZoomPage,
    run_splitsr: Callable[..., subprocess.CompletedProcess[bytes]],
    tmp_path: Path,
) -> None:
    zoom["#study-open"].click()
    exported = go_through(zoom, "one", "7")
    answers = read(exported)
    assert {answer["participant"] for answer in answers} == {"one"}
    contents = [answer["content"] for answer in answers]
    assert {kind: contents.count(kind) for kind in contents} == {"images": 6, "jpeg": 6, "text": 6}
    # Sides are shuffled: left, always, is SplitSR's at times and bilinear zoom's at others.
    assert {answer["preference"] for answer in answers} == {"-2", "2"}

    result = run_splitsr("study", "analyse", exported, "--json", "--chart", tmp_path / "chart.png")
    assert result.returncode == 0, result.stderr
    analysed = json.loads(result.stdout)["contents"]
    assert sum(found["answers"] for found in analysed) == len(answers)
    assert all(found["participants"] == 1 for found in analysed)


def test_the_seed_fixes_order_and_sides(open_tab: Callable[..., ZoomPage]) -> None:
    """Those of all pairs are the unit test's; here, of the first six."""

    def answers(seed: str) -> list[tuple[str, str]]:
        zoom = open_tab().visit("#study")
        begin(zoom, "x", seed)
        for _ in range(6):
            answer(zoom, "1")
        return [(row["item"], row["sharp_side"]) for row in kept(zoom)]

    first = answers("7")
    assert first == answers("7")
    assert first != answers("8")


def test_own_photos_are_judged_too(zoom: ZoomPage, photos: Photos) -> None:
    zoom["#study-open"].click()
    zoom["#study-add"].set_input_files([photos.cat, photos.turned])
    answers = read(go_through(zoom, "one", "7"))
    own = {answer["item"] for answer in answers if answer["item"].startswith("own-")}
    assert own == {"own-chelsea", "own-turned"}
    assert {a["content"] for a in answers if a["item"] == "own-turned"} == {"jpeg"}


def test_a_hostile_file_among_them_is_refused(zoom: ZoomPage, photos: Photos) -> None:
    zoom["#study-open"].click()
    zoom["#study-add"].set_input_files(photos.hostile["huge.png"])
    zoom["#study-participant"].fill("one")
    zoom["#study-begin"].click()
    error = zoom["#toast[data-kind=error]"]
    for _ in range(30):  # it comes up at its turn
        zoom["[name=preference]:enabled >> nth=0"].or_(error).first.wait_for()
        if error.is_visible():
            break
        before = zoom["#study-progress"].inner_text()
        zoom["[name=preference][data-value='1']"].click()
        zoom.page.wait_for_function(
            """(before) => document.querySelector("#toast").checkVisibility()
                 || document.querySelector("#study-progress").innerText !== before""",
            arg=before,
        )
    expect(error).to_be_visible()
    expect(zoom["#study-begin"]).to_be_visible()


def test_answers_are_deleted_only_by_those_who_mean_it(zoom: ZoomPage) -> None:
    zoom["#study-open"].click()
    begin(zoom, "one", "7")
    answer(zoom, "1")
    zoom["#study-leave"].click()
    zoom["#study-open"].click()
    zoom["#study-reset"].click()
    zoom["#confirm-close"].click()
    expect(zoom["#study-stored"]).to_contain_text("1")
    zoom["#study-reset"].click()
    zoom["#confirm-yes"].click()
    zoom["#study-stored"].wait_for(state="hidden")
    zoom.page.reload()
    zoom.wait_ready()
    expect(zoom["#study-stored"]).to_be_hidden()
    expect(zoom["#study-participant"]).to_have_value("")


def test_a_study_goes_on_after_a_reload(zoom: ZoomPage) -> None:
    """With keys alone; the question stands over each pair, and positions are counted on."""
    zoom["#study-open"].click()
    begin(zoom, "one", "7")
    keys = {"ArrowLeft": -1, "Shift+ArrowRight": 2, "1": -2, "Space": 0}
    for index, key in enumerate(keys):
        expect(zoom["#study-question"]).to_be_visible()
        expect(zoom["#study-progress"]).to_have_text(re.compile(f"^{index + 1} "))
        answer(zoom, key)
    zoom.page.reload()
    zoom.wait_ready()
    expect(zoom["#study-participant"]).to_have_value("one")
    expect(zoom["#study-seed"]).to_have_value("7")
    zoom["#study-begin"].click()
    expect(zoom["#study-progress"]).to_have_text(re.compile("^5 "))
    answer(zoom, "5")
    rows = kept(zoom)
    assert [row["position"] for row in rows] == [1, 2, 3, 4, 5]
    assert len({(row["content"], row["item"]) for row in rows}) == 5
    signs = {"left": -1, "right": 1}
    said = [row["preference"] * signs[row["sharp_side"]] for row in rows]
    assert said == [*keys.values(), 2]


def kept(zoom: ZoomPage) -> list[dict[str, Any]]:
    """The answers so far."""
    found: list[dict[str, Any]] = zoom.page.evaluate("JSON.parse(localStorage['zoomsr.study'])")
    return found


def begin(zoom: ZoomPage, participant: str, seed: str) -> None:
    zoom["#study-participant"].fill(participant)
    zoom["#study-seed"].fill(seed)
    zoom["#study-begin"].click()


def answer(zoom: ZoomPage, key: str) -> None:
    """Answers a pair by a key, as soon as it can be."""
    zoom["[name=preference]:enabled >> nth=0"].wait_for()
    before = zoom["#study-progress"].inner_text()
    zoom.page.keyboard.press(key)
    zoom.page.wait_for_function(
        "(before) => document.querySelector('#study-progress').innerText !== before", arg=before
    )
