"""What the documents show works: commands have these options, marked blocks run, links lead on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import click
import pytest
from PIL import Image

from splitsr.cli.main import cli
from splitsr.zoo import list_models
from tests.docs.markdown import DOCUMENTS, ROOT, Block, local_links, read_blocks
from tests.environment import of_a_reader
from tests.patience import PATIENCE_S

BLOCKS = [block for document in DOCUMENTS for block in read_blocks(document)]
SHELL = [block for block in BLOCKS if block.language == "sh"]
PYTHON = [block for block in BLOCKS if block.language == "python"]
RUN = [block for block in BLOCKS if block.mark == "run"]
CALLS = [(block, call) for block in SHELL for call in block.commands if "splitsr" in call]


def id_of(value: object) -> str:
    return " ".join(value[:4]) if isinstance(value, list) else str(value)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with what the examples name: photo.jpg, photo.png, photos/, LR/, configs/."""
    (tmp_path / "photos" / "trip").mkdir(parents=True)
    with Image.open(ROOT / "examples" / "coffee.png") as photo:
        small = photo.crop((40, 20, 168, 120))
    for name in ("photo.jpg", "photo.png", "photos/one.png", "photos/trip/two.jpg"):
        small.save(tmp_path / name)
    (tmp_path / "LR").mkdir()
    for name in ("onex4.png", "twox4.png"):
        small.resize((32, 25)).save(tmp_path / "LR" / name)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    return tmp_path


def test_the_documents_have_examples() -> None:
    assert {block.document.name for block in RUN} >= {"README.md", "upscaling.md"}
    assert len(CALLS) > 15


@pytest.mark.parametrize(("block", "call"), CALLS, ids=id_of)
def test_commands_have_the_options_that_are_shown(block: Block, call: list[str]) -> None:
    words = call[call.index("splitsr") + 1 :]
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words.pop(0))
        assert found is not None, f"{block}: no such command in {call}"
        command = found
    options = {name: option for option in command.params for name in option.opts}

    ends = ("&&", "|", ">", "<", ";")
    shown = list(takewhile(lambda word: word not in ends, words))
    for position, word in enumerate(shown):
        if not word.startswith("-") or word in ("-", "--help"):
            continue
        assert word in options, f"{block}: {command.name} has no {word}"
        if isinstance(options[word].type, click.Choice | click.IntRange | click.FloatRange):
            value = shown[position + 1]
            given = [value] if options[word].multiple else value
            options[word].type_cast_value(context, given)


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_examples_parse_and_import_what_there_is(block: Block) -> None:
    tree = ast.parse(block.text)
    imports: list[ast.stmt] = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]

    exec(compile(ast.Module(imports, []), str(block), "exec"), {})


@pytest.mark.parametrize("block", RUN, ids=str)
def test_marked_examples_run(block: Block, place: Path) -> None:
    if re.search("upscale|Upscaler", block.text) and not list_models():
        pytest.skip("no models in the catalogue yet")
    programs = {
        "sh": ["bash", "-euo", "pipefail", "-c", block.text],
        "python": [sys.executable, "-W", "error", "-c", block.text],
    }
    result = subprocess.run(
        programs[block.language],
        cwd=place,
        env=of_a_reader(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )

    assert result.returncode == 0, f"{block}\n{result.stdout}\n{result.stderr}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for link in local_links(document):
        if link.endswith("compare.png") and not list_models():
            pytest.skip("the picture is made with the model that ships; none does yet")
        # The cards' templates leave model and scale open; each card's own link is followed.
        filled = link.replace("{scale}", "4").replace("{clean}", "splitsr-fast-x4")
        assert (document.parent / filled).exists(), f"{document.name} links to {link}"


@pytest.mark.parametrize("name", ["first", "second"])
def test_the_set_up_is_one_command(name: str) -> None:
    (block,) = [block for block in BLOCKS if block.mark == f"ci: {name} command"]

    assert block.document.name == "README.md"
    assert len(block.text.splitlines()) == 1
