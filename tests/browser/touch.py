"""Fingers, by Chromium's own protocol: the events that a touch screen gives."""

from __future__ import annotations

from playwright.sync_api import Page

_STEPS = 12


def pinch(page: Page, centre: tuple[int, int], start: float, end: float) -> None:
    """Two fingers that part, or close, from one distance to another, in CSS pixels."""
    session = page.context.new_cdp_session(page)
    x, y = centre

    def touch(kind: str, distance: float | None) -> None:
        offsets = () if distance is None else (-distance / 2, distance / 2)
        points = [{"x": x + offset, "y": y, "id": n} for n, offset in enumerate(offsets)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", start)
    for step in range(1, _STEPS + 1):
        touch("touchMove", start + (end - start) * step / _STEPS)
        page.wait_for_timeout(16)
    touch("touchEnd", None)
