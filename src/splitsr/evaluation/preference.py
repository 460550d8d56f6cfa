"""What a preference study says: the Wilcoxon signed-rank test, by kind of content."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from splitsr.errors import DataError, naming_extra

COLUMNS = ("participant", "content", "item", "preference")
LEVELS = (-2, -1, 0, 1, 2)
"""Preferences: 2 is strongly for SplitSR, 0 for neither, -2 strongly for the other image."""


@dataclass(frozen=True)
class Answer:
    """One pair that one participant judged.

    Attributes:
        participant: any name or number.
        content: the kind of image, such as `image` or `text`.
        item: the image.
        preference: one of `LEVELS`.
    """

    participant: str
    content: str
    item: str
    preference: int


@dataclass(frozen=True)
class Finding:
    """What the answers on one kind of content say.

    Attributes:
        content: the kind.
        participants: how many different ones.
        answers: how many.
        ties: answers for neither, which the test leaves out.
        mean: of the preferences.
        counts: answers by preference, in the order of `LEVELS`.
        z: of the signed-rank test, from the smaller sum of ranks and so never above 0, as SciPy
            and the paper have it; `mean` tells which way. Normal approximation with correction
            for equal ranks, none for continuity. None if all answers are ties.
        p: two-sided; None as `z`.
    """

    content: str
    participants: int
    answers: int
    ties: int
    mean: float
    counts: tuple[int, ...]
    z: float | None
    p: float | None


def read_answers(paths: Sequence[Path]) -> list[Answer]:
    """Reads answers from CSV files with a header; further columns are left alone.

    Raises:
        DataError: a file cannot be read, lacks a column or answers, or has a wrong or second
            answer; the message names the file and the row.
    """
    answers: list[Answer] = []
    seen: dict[tuple[str, str, str], str] = {}
    for path in paths:
        for row, answer in _read_file(path):
            place = f"{path}, row {row}"
            key = (answer.participant, answer.content, answer.item)
            if key in seen:
                raise DataError(
                    f"{place}: participant {key[0]!r} judged {key[2]!r} already in {seen[key]}; "
                    "leave one of them out"
                )
            seen[key] = place
            answers.append(answer)
    return answers


def analyse(answers: Iterable[Answer]) -> list[Finding]:
    """Tests each kind of content, in the order in which they first appear.

    Raises:
        MissingDependencyError: SciPy is not installed.
    """
    by_content: dict[str, list[Answer]] = {}
    for answer in answers:
        by_content.setdefault(answer.content, []).append(answer)
    return [_analyse_content(content, found) for content, found in by_content.items()]


def draw_chart(findings: Sequence[Finding], path: Path) -> None:
    """Writes a bar chart of the answers, a bar for each preference and kind of content, as PNG.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        DataError: the file cannot be written.
    """
    with naming_extra("a chart", "study"):
        from matplotlib.figure import Figure
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(findings)
    for index, finding in enumerate(findings):
        shares = [100 * count / finding.answers for count in finding.counts]
        places = [level - 0.4 + width * (index + 0.5) for level in LEVELS]
        axes.bar(places, shares, width, label=f"{finding.content} (n = {finding.answers})")
    names = ["strongly\nbilinear", "bilinear", "neither", "SplitSR", "strongly\nSplitSR"]
    axes.set_xticks(LEVELS, names)
    axes.set_ylabel("answers, %")
    axes.legend()
    try:
        figure.savefig(path, format="png", dpi=150)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


def _analyse_content(content: str, answers: list[Answer]) -> Finding:
    preferences = [answer.preference for answer in answers]
    counts = Counter(preferences)
    z, p = _signed_rank(preferences)
    return Finding(
        content=content,
        participants=len({answer.participant for answer in answers}),
        answers=len(answers),
        ties=counts[0],
        mean=fmean(preferences),
        counts=tuple(counts[level] for level in LEVELS),
        z=z,
        p=p,
    )


def _signed_rank(preferences: list[int]) -> tuple[float | None, float | None]:
    with naming_extra("a study", "study"):
        from scipy.stats import wilcoxon
    if not any(preferences):
        return None, None
    found = wilcoxon(preferences, zero_method="wilcox", correction=False, method="asymptotic")
    return float(found.zstatistic), float(found.pvalue)


def _read_file(path: Path) -> list[tuple[int, Answer]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error})") from error
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(
            f"{path}, row 1: no column {missing[0]!r}; the header must name {', '.join(COLUMNS)}"
        )
    answers = [(reader.line_num, _answer(row, f"{path}, row {reader.line_num}")) for row in reader]
    if not answers:
        raise DataError(f"{path}: has no answers, only a header")
    return answers


def _answer(row: dict[str, str | None], place: str) -> Answer:
    values = {name: (row[name] or "").strip() for name in COLUMNS}
    for name, value in values.items():
        if not value:
            raise DataError(f"{place}: {name} is empty")
    level = values["preference"]
    if level not in map(str, LEVELS):
        allowed = ", ".join(map(str, LEVELS))
        raise DataError(f"{place}: preference: found {level!r}; must be one of {allowed}")
    return Answer(values["participant"], values["content"], values["item"], int(level))
