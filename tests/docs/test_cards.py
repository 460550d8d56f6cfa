"""The model cards begin with what the Hugging Face Hub reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

CARDS = sorted((ROOT / "docs" / "models").glob("*.md"))
hub = pytest.importorskip("huggingface_hub")


@pytest.mark.parametrize("card", CARDS, ids=lambda path: path.name)
def test_the_hub_reads_a_card(card: Path) -> None:
    found = hub.ModelCard(card.read_text())
    assert found.data.license == "apache-2.0"
    assert found.data.pipeline_tag == "image-to-image"
    assert found.text.lstrip().startswith("# ")
