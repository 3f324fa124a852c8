"""The pages about `run`, `install()` and `explaining()` show what really happens; every page is in the index, every link leads somewhere.

UPDATE_CASES=1 rewrites the pages.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from docpage import ROOT, as_run, shortened

DOCS = ROOT / "docs"
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.mark.parametrize("name", ["run.md", "explaining.md"])
def test_the_page_shows_what_happens(name: str, tmp_path: Path) -> None:
    page = DOCS / name
    text = page.read_text(encoding="utf-8")
    assert text.count("```console\n") >= 1
    found = as_run(text, tmp_path)
    if os.environ.get("UPDATE_CASES"):
        page.write_text(found, encoding="utf-8")
    else:
        assert found == text


def test_a_page_that_says_something_else_is_seen(tmp_path: Path) -> None:
    page = "```python\n# one.py\nprint(1)\n```\n\n```console\n$ python one.py\n2\n```\n"
    assert as_run(page, tmp_path) == page.replace("2\n", "1\n")


def test_a_file_of_the_repository_is_shown_as_it_is(tmp_path: Path) -> None:
    name = "examples/late_failure.py"
    assert as_run(f"```python\n# {name}\n```\n", tmp_path) == f"```python\n# {name}\n{(ROOT / name).read_text(encoding='utf-8')}```\n"


def test_a_traceback_is_shown_without_the_frames_of_others() -> None:
    frame = '  File "{}", line 1, in f\n    f(x)\n    ^^^^\n'
    told = "RuntimeError: no\n\n  --> net.py:1\n   | ^^^^ here\n"
    head = "Traceback (most recent call last):\n"
    others = frame.format("/lib/a.py") + frame.format("<frozen runpy>")
    own = '  File "net.py", line 1, in f\n    f(x)\n'
    assert shortened(head + others + frame.format("net.py") + others + told) == f"{head}  …\n{own}  …\n{told}"


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert not missing


def test_every_page_is_in_the_index() -> None:
    listed = {(DOCS / link).resolve() for link in _LINK.findall((DOCS / "README.md").read_text(encoding="utf-8"))}
    assert {path for path in DOCS.glob("*.md") if path.name != "README.md"} <= listed


@pytest.mark.parametrize("name", ["run.md", "explaining.md"])
def test_a_page_names_no_place_of_one_machine(name: str) -> None:
    assert not re.search(r'File "/|site-packages|/home/|/tmp/', (DOCS / name).read_text(encoding="utf-8"))
