"""Every slug has its page, and `docs/errors/` holds just what the rules say. `UPDATE_DOCS=1` writes the files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shapewright.reason import pages as reading
from shapewright.reason import rules, silent
from shapewright.reason.pages import pages
from shapewright.show import page

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "errors"
PAGES = pages()
CONTRACT = (
    "linear-in-features", "missing-flatten", "conv-in-channels", "conv-kernel-too-large", "reshape-numel", "broadcast-mismatch",
    "concat-mismatch", "matmul-inner-dim", "norm-features", "recurrent-input-size", "embedding-dim", "attention-dim",
    "loss-target-shape", "loss-batch-mismatch", "loss-broadcast", "batch-mixed", "batch-dim-missing", "reconstruction-shape",
    "last-batch", "checkpoint-shape", "other-shape-error",
)  # fmt: skip


def written() -> dict[str, str]:
    return {f"{slug}.md": page.markdown(one) for slug, one in PAGES.items()} | {"README.md": page.index(PAGES)}


if os.environ.get("UPDATE_DOCS"):
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for name, text in written().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def test_the_pages_are_those_of_the_rules() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")} == written()


def test_one_page_is_that_of_all_pages() -> None:
    assert {slug: reading.page(slug) for slug in PAGES} == PAGES
    assert reading.page("no-such-slug") is None


def test_every_rule_is_read() -> None:
    asked = [sys.modules[function.__module__] for function in (*rules.FAMILIES, *silent.RULES)]
    for module in asked:
        for slug in getattr(module, "SLUGS", ()) or ("other-shape-error",):
            said = [text for part in PAGES[slug].parts for _, text in part.paragraphs]
            assert all(" ".join(text.split()) in " ".join((module.__doc__ or "").split()) for text in said) or len(PAGES[slug].parts) > 1
            assert any(" ".join(text.split()) in " ".join((module.__doc__ or "").split()) for text in said), module.__name__
    assert [part.runs for part in PAGES["softmax-dim"].parts] == [True]


def test_a_page_imports_no_rule() -> None:
    code = "import sys; sys.argv = ['shapewright', 'explain', 'linear-in-features']\nfrom shapewright.front.main import main\n"
    code += "try: main()\nexcept SystemExit: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
    loaded = done[-2].split()
    assert "linear-in-features" in done[0] and "shapewright.reason.pages" in loaded
    assert not {"shapewright.reason.rules", "shapewright.reason.silent", "shapewright.model"} & set(loaded)


def test_every_slug_of_a_case_and_of_the_contract_has_a_page() -> None:
    cases = {path.name for path in (ROOT / "tests" / "cases").iterdir() if path.is_dir()} - {"clean"}
    assert cases | set(CONTRACT) <= set(PAGES)


@pytest.mark.parametrize("slug", PAGES)
def test_a_page_is_whole(slug: str) -> None:
    one = PAGES[slug]
    for part in one.parts:
        headings = [heading for heading, _ in part.paragraphs]
        assert part.headline.endswith("."), part
        assert {"Why", "Example"} <= set(headings), headings
        assert any(heading.startswith("How to tell") for heading in headings), headings


def test_what_runs_and_is_wrong_is_a_warning() -> None:
    assert PAGES["loss-broadcast"].kind == "warning"
    assert PAGES["linear-in-features"].kind == "error"
    assert PAGES["last-batch"].kind == "error, warning"


def test_slugs_of_one_rule_have_headlines_of_their_own() -> None:
    headlines = [one.headline for one in PAGES.values()]
    assert len(set(headlines)) == len(headlines)
