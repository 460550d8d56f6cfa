"""The page's own policy, for hosts that send none, is the one that the server sends."""

from __future__ import annotations

import re
from pathlib import Path

from splitsr.zoomsr.server import CONTENT_SECURITY_POLICY


def test_the_page_carries_what_the_server_sends(repo_root: Path) -> None:
    source = (repo_root / "web" / "plugins" / "html.ts").read_text(encoding="utf-8")
    of_page = re.search(r"const POLICY = \[(.*?)\]", source, re.DOTALL)
    assert of_page is not None
    # A page cannot say who may frame it.
    sent = [rule for rule in CONTENT_SECURITY_POLICY.split("; ") if "frame-ancestors" not in rule]
    assert re.findall(r'"([^"]+)"', of_page[1]) == sent
