"""The small pack of the training tests, and a study that trains in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.conftest import CONFIG
from tests.training.conftest import pack as pack

STUDY = """
question = "Which ratio?"
config = "base.toml"
seeds = [1, 2]

[vary]
split_ratio = [0.25, 0.5]

[[cells]]
label = "no skip"
model = { image_skip = "none" }
"""


@pytest.fixture
def study_path(tmp_path: Path) -> Path:
    (tmp_path / "base.toml").write_text(CONFIG)
    path = tmp_path / "ratio.toml"
    path.write_text(STUDY)
    return path
