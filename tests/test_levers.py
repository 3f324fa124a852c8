"""Whether the numbers behind a parameter, a buffer or a table are found: who made it, and which literals set its dims."""

from __future__ import annotations

import pytest

from conftest import Checker
from shapewright.model import TensorInfo, Trace
from shapewright.reason import levers

HEAD = "import torch\nfrom torch import nn\n\n"

MODEL = """class Model(nn.Module):
    def __init__(self, side=48, patch=8, width=24):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(1, (side // patch) ** 2 + 1, width))
        self.register_buffer("mask", torch.tril(torch.ones(side, side)))
        self.layer = nn.Linear(width, 7)

    def forward(self, x):
        rows = self.table[0].expand(2, -1, -1)
        return OPERANDS
"""


def _trace(check: Checker, operands: str, **options: object) -> Trace:
    """The trace of a model whose last call fails."""
    (check.folder / "program.py").write_text(HEAD + MODEL.replace("OPERANDS", operands), encoding="utf-8")
    return check.worker.observe(check.request("program.py:Model", "2,5,24", **options))


def _new_numbers(trace: Trace, tensor: TensorInfo, dim: int, value: int) -> list[list[tuple[str, int]]]:
    return [[(leaf.text, new) for leaf, new in lever.settings] for lever in levers.of_dim(trace, tensor, dim, value)]


@pytest.mark.parametrize("how", ["eager", "fake"])
def test_parameters_and_buffers_know_who_made_them(check: Checker, how: str) -> None:
    trace = _trace(check, "torch.cat([x, self.table])", how=how)
    table = list(trace.events[trace.failures[0]].tensors())[1]
    assert (table.kind, trace.events[table.source or 0].op) == ("parameter", "zeros")
    trace = _trace(check, "torch.cat([x, self.mask])", how=how)
    mask = list(trace.events[trace.failures[0]].tensors())[1]
    assert trace.events[mask.source or 0].op == "tril"
    assert _new_numbers(trace, mask, 1, 20) == [[("48", 20)]]


def test_a_layers_own_weights_come_from_nowhere(check: Checker) -> None:
    trace = _trace(check, "x @ self.layer.weight")
    weight = list(trace.events[trace.failures[0]].tensors())[1]
    assert weight.name == "layer.weight"
    assert weight.source is None
    assert _new_numbers(trace, weight, 0, 9) == []


def test_the_number_of_rows_is_found_through_arithmetic(check: Checker) -> None:
    trace = _trace(check, "torch.cat([x, self.table])")
    table = list(trace.events[trace.failures[0]].tensors())[1]
    assert [("48", 32)] in _new_numbers(trace, table, 1, 17)
    assert [("24", 12)] in _new_numbers(trace, table, 2, 12)
    assert _new_numbers(trace, table, 2, 24) == []  # as it is


def test_dims_are_followed_through_an_expand_that_adds_some(check: Checker) -> None:
    trace = _trace(check, "torch.cat([x, rows])")
    rows = list(trace.events[trace.failures[0]].tensors())[1]
    assert rows.shape == (2, 37, 24)
    assert _new_numbers(trace, rows, 2, 12) == [[("24", 12)]]
    assert _new_numbers(trace, rows, 0, 3) == [[("2", 3)]]


def test_the_sizes_of_random_integers_are_not_their_bounds(check: Checker) -> None:
    trace = _trace(check, "torch.randint(3, 9, (3, 9)) + x[0, 0]")
    made = next(tensor for tensor in trace.events[trace.failures[0]].tensors() if tensor.shape == (3, 9))
    span = trace.events[made.source or 0].span
    found = list(levers.of_dim(trace, made, 0, 5))
    assert span is not None
    assert len(found) == 1
    leaf = found[0].settings[0][0]
    assert leaf.span is not None
    assert leaf.span.column == span.column + len("torch.randint(3, 9, (")


def test_a_checkpoint_that_differs_tells_whose_sizes_differ(check: Checker) -> None:
    program = HEAD + MODEL.replace("OPERANDS", "x") + "\n\nModel().load_state_dict(Model(32).state_dict())\n"
    (check.folder / "program.py").write_text(program, encoding="utf-8")
    trace = check.worker.observe(check.request("program.py"))
    event = trace.events[trace.failures[0]]
    differing, own = event.args[0], event.args[3]
    assert isinstance(differing, tuple)
    assert isinstance(own, tuple)
    assert [entry[0] for entry in differing if isinstance(entry, tuple)] == ["table", "mask"]
    table, mask = own
    assert isinstance(table, TensorInfo)
    assert isinstance(mask, TensorInfo)
    assert [("48", 32)] in _new_numbers(trace, table, 1, 17)
    assert _new_numbers(trace, mask, 0, 32) == [[("48", 32)]]
