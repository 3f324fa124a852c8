"""What PyTorch says today is understood: code that raises, the template that recognises its message, and the facts read from it.

`tests/provoked/` holds the code, a file a family, and old wordings as texts. On meta tensors the same code says other words; they must
lead to the same slug.
"""

from __future__ import annotations

import importlib
import math
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from shapewright.messages import Explanation, catalogue, explain, families

FAMILIES: dict[str, ModuleType] = {
    path.stem: importlib.import_module(f"provoked.{path.stem}")
    for path in sorted((Path(__file__).parent / "provoked").glob("*.py"))
    if path.stem != "__init__"
}
TEMPLATES = {family: catalogue.of(family) for family in catalogue.FAMILIES}
PROVOKED = [(family, *case) for family, module in FAMILIES.items() for case in module.PROVOKED]
OLD = [(family, *case) for family, module in FAMILIES.items() for case in getattr(module, "OLD", ())]


def raised(code: str, device: str) -> Exception | None:
    torch.manual_seed(0)
    try:
        with torch.device(device):
            exec(code, {"torch": torch, "nn": nn, "F": F, "math": math})
    except Exception as error:
        return error
    return None


def understood(text: str) -> Explanation:
    answer = explain(text)
    assert isinstance(answer, Explanation), text
    return answer


def check(answer: Explanation, template: str, facts: dict[str, Any]) -> None:
    assert answer.template == template, answer.message
    assert {name: answer.facts.get(name) for name in facts} == facts, answer.message
    assert answer.headline
    assert "{" not in answer.headline
    assert len(answer.causes) <= 4
    assert answer.causes
    assert answer.tries


@pytest.mark.parametrize(("family", "template", "code", "facts"), PROVOKED, ids=[f"{case[1]}-{i}" for i, case in enumerate(PROVOKED)])
def test_what_pytorch_raises(family: str, template: str, code: str, facts: dict[str, Any]) -> None:
    error = raised(code, "cpu")
    assert error is not None, code
    answer = understood(f"{type(error).__name__}: {error}")
    check(answer, template, facts)
    there = raised(code, "meta")
    if there is not None and not isinstance(there, NotImplementedError):
        assert understood(f"{type(there).__name__}: {there}").slug == answer.slug, str(there)


@pytest.mark.parametrize(("family", "template", "text", "facts"), OLD, ids=[f"{case[1]}-{i}" for i, case in enumerate(OLD)])
def test_what_other_versions_and_devices_say(family: str, template: str, text: str, facts: dict[str, Any]) -> None:
    check(understood(text), template, facts)


def test_every_family_is_in_the_catalogue_and_has_its_cases() -> None:
    files = {path.stem for path in Path(families.__file__).parent.glob("*.py")}
    patterns = {stem for stem in files if hasattr(importlib.import_module(f"{families.__name__}.{stem}"), "TEMPLATES")}
    assert patterns == set(TEMPLATES) == set(FAMILIES)


def test_every_template_has_a_name_of_its_own_and_a_case() -> None:
    ids = [template.id for found in TEMPLATES.values() for template in found]
    assert len(set(ids)) == len(ids)
    assert set(ids) == {case[1] for case in (*PROVOKED, *OLD)}


@pytest.mark.parametrize("family", TEMPLATES)
def test_the_words_of_a_family_are_in_all_its_anchors(family: str) -> None:
    """A word that is missing would hide a template; an anchor that is not in lower case would never be found."""
    for template in TEMPLATES[family]:
        for anchor in template.anchors:
            assert anchor == anchor.lower()
            assert any(word in anchor for word in catalogue.FAMILIES[family]), anchor
        assert re.compile(template.pattern)
        assert re.compile(template.cut)
