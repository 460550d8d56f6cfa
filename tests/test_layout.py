"""The house stays one in which a file is guessed."""

from __future__ import annotations

from pathlib import Path

MOST_MODULES = 15


def test_no_folder_but_the_commands_holds_many_modules(repo_root: Path) -> None:
    folders = [path for path in (repo_root / "src").rglob("*") if path.is_dir()]
    full = {
        folder.name: len(modules)
        for folder in folders
        if len(modules := [file for file in folder.glob("*.py") if file.stem != "__init__"])
        > MOST_MODULES
    }
    assert [*full] == ["cli"]
