"""The programs of five question-and-answer articles, cut out of them at test time; skipped where the articles are not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ARTICLES = Path(__file__).parents[2] / "shared" / "seeds"
# article, example → what PyTorch really does: (line that fails, lines that set the demanded number, swallowed); None: it runs.
TRUTH: dict[tuple[str, int], tuple[int, set[int], bool] | None] = {
    ("000", 1): None, ("000", 2): None, ("000", 3): (12, {8}, True),
    ("001", 1): None, ("001", 2): None, ("001", 3): None,
    ("002", 1): (28, {14}, False), ("002", 2): (21, {14}, False), ("002", 3): (22, {11}, True),
    ("003", 1): None, ("003", 2): (20, {13}, False), ("003", 3): None,
    ("004", 1): (22, {18}, True), ("004", 2): None, ("004", 3): None,
}  # fmt: skip
# What runs and is wrong all the same: the slug, the line where it shows, and the line that the first fix changes.
SILENT = {("001", 1): ("reconstruction-shape", 30, 17)}


def programs(article: str) -> list[str]:
    texts = sorted(ARTICLES.glob(f"{article}_*.txt"))
    return re.findall(r"```python\n(.*?)```", texts[0].read_text(encoding="utf-8"), re.DOTALL) if texts else []


@pytest.mark.skipif(not ARTICLES.is_dir(), reason="the articles are not beside this checkout")
@pytest.mark.parametrize(("article", "example"), TRUTH, ids=lambda value: str(value))
def test_seed(check, article: str, example: int) -> None:  # type: ignore[no-untyped-def]
    report = check.source(programs(article)[example - 1])
    truth = TRUTH[article, example]
    if (article, example) in SILENT:
        assert [(finding.slug, finding.where.line) for finding in report.findings if finding.where] == [SILENT[article, example][:2]]
        assert [edit.span.line for edit in report.findings[0].fixes[0].edits] == [SILENT[article, example][2]]
        return
    if truth is None:
        assert report.verdict == "clean", report.reason
        return
    line, demand, swallowed = truth
    finding = report.findings[0]
    assert finding.where is not None
    assert finding.demand is not None
    assert (finding.where.line, finding.swallowed) == (line, swallowed)
    assert finding.demand.span.line in demand


@pytest.mark.skipif(not ARTICLES.is_dir(), reason="the articles are not beside this checkout")
def test_other_image_sizes(check) -> None:  # type: ignore[no-untyped-def]
    discriminator = programs("000")[0]
    for size, verdict in ((28, "clean"), (31, "clean"), (32, "error"), (64, "error")):
        assert check.source(discriminator, f"1,3,{size},{size}").verdict == verdict
        assert check.source(discriminator, f"1,3,{size},{size}", target="Discriminator").verdict == verdict


@pytest.mark.skipif(not ARTICLES.is_dir(), reason="the articles are not beside this checkout")
def test_generator_and_discriminator_are_tried_together(check) -> None:  # type: ignore[no-untyped-def]
    discriminator, generator = programs("000")[:2]
    report = check.source(f"{discriminator}\n{generator}")
    assert report.verdict == "clean"
    assert [note.what for note in report.assumed] == ["fed `Discriminator` with what `Generator` makes: [1, 3, 28, 28]"]
    larger = generator.replace("128 * 7 * 7", "128 * 16 * 16").replace("128, 7, 7", "128, 16, 16")
    report = check.source(f"{discriminator}\n{larger}")
    assert (report.verdict, [finding.slug for finding in report.findings]) == ("warning", ["generator-discriminator"])
    assert report.findings[0].fixes
