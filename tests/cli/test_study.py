"""`splitsr study analyse`: against a hand-worked example, SciPy, and wrong files."""

from __future__ import annotations

import json
from math import erfc, sqrt
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy import stats

from splitsr.cli.study import command
from splitsr.errors import DataError
from splitsr.evaluation.preference import Answer, analyse, read_answers

HEADER = "participant,content,item,preference\n"


def answers(preferences: list[int], content: str = "image") -> list[Answer]:
    return [Answer(str(n), content, "a", level) for n, level in enumerate(preferences)]


def write(path: Path, *rows: str) -> Path:
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


def test_a_hand_worked_example() -> None:
    """Without the 0: 1, -1 and 1 share rank 2, the 2s rank 4.5; ranks sum to 13 and, below 0, 2.

    Mean 5*6/4 = 7.5; variance 5*6*11/24 - (24 + 6)/48 = 13.125.
    """
    (found,) = analyse(answers([1, 2, -1, 2, 0, 1]))
    z = (2 - 7.5) / sqrt(13.125)
    assert found.z == pytest.approx(z)
    assert found.p == pytest.approx(erfc(-z / sqrt(2)))
    assert (found.answers, found.ties, found.participants) == (6, 1, 6)
    assert found.counts == (0, 1, 1, 2, 2)
    (opposite,) = analyse(answers([-1, -2, 1, -2, 0, -1]))
    assert opposite.z == pytest.approx(z)
    assert opposite.mean == -found.mean < 0


def test_it_is_the_sum_of_ranks_for_many_answers() -> None:
    preferences = np.random.default_rng(0).choice(
        [-2, -1, 0, 1, 2], 200, p=[0.1, 0.1, 0.2, 0.3, 0.3]
    )
    (found,) = analyse(answers(preferences.tolist()))
    kept = preferences[preferences != 0]
    ranks = stats.rankdata(np.abs(kept))
    n, ties = len(kept), np.unique(ranks, return_counts=True)[1]
    variance = n * (n + 1) * (2 * n + 1) / 24 - (ties**3 - ties).sum() / 48
    z = (ranks[kept < 0].sum() - n * (n + 1) / 4) / sqrt(variance)
    assert found.z == pytest.approx(z)
    assert found.p == pytest.approx(stats.wilcoxon(kept, method="asymptotic").pvalue)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, ["analyse", *map(str, arguments)])


def test_files_kinds_and_chart(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "1,image,x,2", "1,text,y,0")
    second = write(tmp_path / "b.csv", "2,image,x,1", "2,text,y,0")
    result = run(first, second, "--json", "--chart", tmp_path / "chart.png")
    assert result.exit_code == 0, result.output
    image, text = json.loads(result.stdout)["contents"]
    assert (image["content"], image["answers"], image["participants"]) == ("image", 2, 2)
    assert (text["content"], text["z"], text["p"]) == ("text", None, None)
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert "participants" in run(first).output


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,image,x,3"], "row 2: preference: found '3'"),
        (["1,image,x,1", "2,image,x,"], "row 3: preference is empty"),
        (["1,image,x"], "row 2: preference is empty"),
        (["1,image,x,1", "1,image,x,2"], "row 3: participant '1' judged 'x' already"),
        ([], "has no answers"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, rows: list[str], message: str) -> None:
    path = write(tmp_path / "bad.csv", *rows)
    with pytest.raises(DataError) as caught:
        read_answers([path])
    assert message in str(caught.value)
    assert "bad.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("participant,content,item\n1,image,x\n")
    with pytest.raises(DataError, match="row 1: no column 'preference'"):
        read_answers([path])
