"""The library's page and the README's section on it: each block runs, and prints what the page says.

UPDATE_CASES=1 rewrites the pages.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from docpage import ROOT, as_run

PAGES = {
    "docs/library.md": re.compile(r".*", re.DOTALL),
    "README.md": re.compile(r"## As a library\n.*?(?=\n## )", re.DOTALL),
}


@pytest.mark.parametrize("page", PAGES)
def test_the_page_shows_what_happens(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "net", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    text = (ROOT / page).read_text(encoding="utf-8")
    part = PAGES[page].search(text)
    assert part is not None
    assert part.group().count("```text") >= 1
    found = as_run(part.group(), tmp_path)
    sys.modules.pop("net", None)
    if os.environ.get("UPDATE_CASES"):
        (ROOT / page).write_text(text.replace(part.group(), found), encoding="utf-8")
    else:
        assert found == part.group()


def test_a_wrong_page_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = "```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n"
    assert as_run(page, tmp_path) == page.replace("3", "2")
    with pytest.raises(AssertionError):
        as_run("```python\nprint(1)\n```\n", tmp_path)
