"""What people write around a model: made-up data, a loss, a training step, loaders, `try/except`, evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.generated.draw import Draw, block

TRIES = ("except RuntimeError as e:", "except Exception as e:", "except (RuntimeError, ValueError) as err:", "except Exception as error:")


@dataclass(frozen=True, slots=True)
class Feed:
    """One input of a model: its shape without the batch; with `below` it holds whole numbers."""

    name: str
    shape: tuple[int, ...]
    below: int = 0

    def made(self, batch: str) -> str:
        """An expression that makes a batch."""
        sizes = ", ".join([batch, *map(str, self.shape)])
        return f"torch.randint(0, {self.below}, ({sizes}{',' if not self.shape else ''}))" if self.below else f"torch.randn({sizes})"


@dataclass(frozen=True, slots=True)
class Goal:
    """What the model's output is, and so what its loss wants. `shape` is without the batch."""

    kind: Literal["classes", "values", "chance", "logit", "logprob", "same", "none"]
    shape: tuple[int, ...] = ()  # of the output; for classes what follows the class dim
    classes: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """A model with all that is needed to train it."""

    code: str
    build: str
    inputs: tuple[Feed, ...]
    goal: Goal
    take: str = "{}"  # how the output is taken from the call
    norm1d: bool = False  # whether a batch of one sample is refused in training
    fixed_batch: int = 0  # the batch that the code itself assumes


def finish(d: Draw, task: Task) -> str:
    """The whole program."""
    endings = [_look, _step, _step, _train, _loader, _loader] if task.goal.kind != "none" else [_look]
    ending = d.one(*endings)
    return f"{d.head()}\n\n{task.code}\n\n{ending(d, task)}\n"


def guarded(d: Draw, lines: Sequence[str], share: float = 0.25) -> list[str]:
    """The lines, in a part of the programs inside a `try` that hides what goes wrong."""
    if not d.chance(share):
        return list(lines)
    head = d.one(*TRIES)
    name = head.rstrip(":").split()[-1]
    word = d.one("error:", "shape mismatch:", "failed:", "Error occurred:")
    return ["try:", block(lines), head, f'    print("{word}", {name})']


def target(d: Draw, goal: Goal, batch: str) -> str:
    """An expression that makes the targets, right or off in the way of its loss."""
    sizes = ", ".join([batch, *map(str, goal.shape)]) + ("" if goal.shape else ",")
    if goal.kind in ("classes", "logprob"):
        right = f"torch.randint(0, {goal.classes}, ({sizes}))"
        wrongs = [
            f"torch.randint(0, {goal.classes}, ({batch}, {', '.join(map(str, (*goal.shape, 1)))}))",
            f"{right}.float()",
            f"torch.randint(1, {goal.classes + 3}, ({sizes}))",
            f"F.one_hot({right}, {goal.classes})",
        ]
        wrongs += [f"torch.randint(0, {goal.classes}, ({batch}, {goal.shape[0] + 1}, {goal.shape[-1]}))"] if len(goal.shape) == 2 else []
        return d.slip("target", right, *wrongs)
    wrong_shapes = [(*goal.shape, 1), goal.shape[:-1], (*goal.shape[:-1], goal.shape[-1] + 1) if goal.shape else (3,)]
    if goal.kind in ("chance", "logit"):
        right = f"torch.randint(0, 2, ({sizes})).float()"
        wrong = [f"torch.randint(0, 2, ({', '.join([batch, *map(str, one)])},)).float()" for one in wrong_shapes]
        return d.slip("target", right, *wrong, f"torch.randint(0, 2, ({sizes}))")
    right = f"torch.randn({sizes.rstrip(',')})"
    return d.slip("target", right, *(f"torch.randn({', '.join([batch, *map(str, one)])})" for one in wrong_shapes))


def criterion(d: Draw, goal: Goal) -> tuple[str, str]:
    """A line that makes the loss (may be empty), and how it is called."""
    names = {
        "classes": (("nn.CrossEntropyLoss()", "F.cross_entropy"), ("nn.MSELoss()", "nn.BCEWithLogitsLoss()")),
        "logprob": (("nn.NLLLoss()", "F.nll_loss"), ("nn.MSELoss()",)),
        "values": (
            ("nn.MSELoss()", "F.mse_loss", "nn.L1Loss()", "nn.SmoothL1Loss()", "F.l1_loss", "nn.HuberLoss()"),
            ("nn.CrossEntropyLoss()",),
        ),
        "same": (("nn.MSELoss()", "F.mse_loss", "nn.L1Loss()"), ("nn.BCELoss()",)),
        "chance": (("nn.BCELoss()", "F.binary_cross_entropy"), ("nn.CrossEntropyLoss()", "nn.NLLLoss()")),
        "logit": (("nn.BCEWithLogitsLoss()", "F.binary_cross_entropy_with_logits"), ("nn.CrossEntropyLoss()",)),
    }
    right, wrong = names[goal.kind]
    chosen = d.slip("loss", d.one(*right), *wrong)
    name = d.one("criterion", "loss_fn", "criterion")
    return (f"{name} = {chosen}", f"{name}({{}}, {{}})") if chosen.startswith("nn.") else ("", f"{chosen}({{}}, {{}})")


def _optimizer(d: Draw) -> str:
    return d.one(
        "torch.optim.Adam(model.parameters(), lr=1e-3)",
        "torch.optim.SGD(model.parameters(), lr=0.01)",
        "torch.optim.AdamW(model.parameters())",
    )


def _call(task: Task) -> str:
    return task.take.format(f"model({', '.join(feed.name for feed in task.inputs)})")


def _batch(d: Draw, task: Task) -> int:
    return task.fixed_batch or d.number(2, 6)


def _feeds(d: Draw, task: Task, batch: str) -> list[str]:
    """The lines that make the inputs; one of them may be off by a realistic mistake."""
    lines = []
    for feed in task.inputs:
        shape = list(feed.shape)
        wrong = []
        if len(shape) >= 3:  # an image or a map
            wrong = [[*shape[:-2], shape[-2] * 2, shape[-1] * 2], [*shape[:-2], shape[-2] + 3, shape[-1] + 3], [*shape[1:], shape[0]]]
            wrong += [[*shape[:-2], 2, 2], [4 if shape[0] == 3 else 3, *shape[1:]], [*shape[:-1], shape[-1] - 3]]
        elif len(shape) == 2:
            wrong = [[shape[1], shape[0]], [shape[0], shape[1] + 1], [shape[0] + 2, shape[1]]]
        elif len(shape) == 1:
            wrong = [[shape[0] + 1], [shape[0], 1], [1, shape[0]], []]
        right = feed.made(batch)
        others = [Feed(feed.name, tuple(one), feed.below).made(batch) for one in wrong]
        others += [f"{right}[0]", f"{right}.unsqueeze(1)"] if feed.shape else []
        others += (
            [f"{right}.float()"]
            if feed.below
            else [f"torch.randint(0, 5, ({batch}, {', '.join(map(str, feed.shape))}))"]
            if feed.shape
            else []
        )
        lines.append(f"{feed.name} = {d.slip('input', right, *others)}")
    return lines


def _look(d: Draw, task: Task) -> str:
    """One forward, and a look at the shape."""
    batch = str(_batch(d, task))
    use = [*_feeds(d, task, batch), f"out = {_call(task)}", d.one("print(out.shape)", 'print("output:", out.shape)', "print(out.size())")]
    use = guarded(d, use, 0.3)
    if d.chance(0.3):
        use = ["model.eval()", "with torch.no_grad():", block(use)]
    return _main(d, [f"model = {task.build}", *use])


def _main(d: Draw, lines: Sequence[str]) -> str:
    style = d.number(0, 3)
    if style == 0:
        return "\n".join(["def main():", block(lines), "", "", 'if __name__ == "__main__":', "    main()"])
    if style == 1:
        return "\n".join(['if __name__ == "__main__":', block(lines)])
    return "\n".join(lines)


def _goal(d: Draw, task: Task, batch: str) -> str:
    return "" if task.goal.kind == "same" else f"target = {target(d, task.goal, batch)}"


def _loss(d: Draw, task: Task, call: str, output: str = "out") -> str:
    if task.goal.kind == "same":
        name = task.inputs[0].name
        wanted = d.slip("target", name, f"{name}.flatten(1)", f"{name}[:, :1]", f"{name}.mean(1)", f"{name}[1:]")
        return call.format(output, wanted)
    if task.goal.shape[-1:] == (1,) and task.goal.kind in ("values", "chance", "logit"):
        style = d.one("plain", "plain", "squeeze")
        right = {"plain": (output, "target"), "squeeze": (f"{output}.squeeze(-1)", "target.squeeze(-1)")}[style]
        return call.format(*d.slip("squeeze", right, (f"{output}.squeeze(-1)", "target"), (output, "target.squeeze(-1)")))
    return call.format(
        *d.slip("loss arguments", (output, "target"), (f"{output}[0]", "target"), (output, "target[:-1]"), (f"{output}.T", "target"))
    )


def _step(d: Draw, task: Task) -> str:
    """A model, a batch, a loss and one step."""
    number = _batch(d, task)
    batch = "batch_size" if d.chance(0.4) else str(number)
    made, call = criterion(d, task.goal)
    other = d.slip("batch of the target", batch, str(number + 1), "1")
    use = [f"out = {_call(task)}", f"loss = {_loss(d, task, call)}", "loss.backward()"]
    optimizer = d.chance(0.6)
    use = ["optimizer.zero_grad()", *use, "optimizer.step()"] if optimizer else use
    lines = [f"batch_size = {number}"] if batch == "batch_size" else []
    lines += [
        f"model = {task.build}",
        made,
        f"optimizer = {_optimizer(d)}" if optimizer else "",
        *_feeds(d, task, batch),
        _goal(d, task, other),
    ]
    lines += [*guarded(d, use), d.one('print("done")', "print(sum(p.numel() for p in model.parameters()))")]
    return _main(d, [line for line in lines if line])


def _train(d: Draw, task: Task) -> str:
    """A training loop over made-up batches, in a function of its own."""
    batch = str(_batch(d, task))
    made, call = criterion(d, task.goal)
    names = ", ".join(feed.name for feed in task.inputs)
    given = names if task.goal.kind == "same" else f"{names}, target"
    criterion_name = made.split(" = ")[0] if made else ""
    step = [f"def train_step(model, optimizer, {given}{', ' + criterion_name if made else ''}):"]
    step += [block(["model.train()", "optimizer.zero_grad()", f"out = {_call(task)}", f"loss = {_loss(d, task, call)}"])]
    step += [block(["loss.backward()", "optimizer.step()", "return loss.item()"]), "", ""]
    call_step = f"loss = train_step(model, optimizer, {given}{', ' + criterion_name if made else ''})"
    loop = [
        *_feeds(d, task, batch),
        _goal(d, task, batch),
        call_step,
        d.one('print(f"epoch {epoch} loss {loss:.4f}")', "history.append(loss)"),
    ]
    lines = [f"model = {task.build}", f"optimizer = {_optimizer(d)}", made, "history = []"]
    lines += [f"for epoch in range({d.number(1, 3)}):", block([line for line in guarded(d, loop) if line])]
    return "\n".join(step) + "\n" + _main(d, [line for line in lines if line])


def _loader(d: Draw, task: Task) -> str:
    """Data sets, a loader with a smaller last batch (or none), epochs and an evaluation."""
    size = task.fixed_batch or d.one(4, 5, 8)
    rest = d.slip("last batch", 0 if task.fixed_batch else d.one(0, 2, 3), *((1,) if task.norm1d else (1, 3) if task.fixed_batch else ()))
    number = 2 * size + rest
    drop = d.chance(0.3) and not task.fixed_batch and not task.norm1d
    made, call = criterion(d, task.goal)
    names = [feed.name for feed in task.inputs] + ([] if task.goal.kind == "same" else ["target"])
    lines = [*_feeds(d, task, str(number)), _goal(d, task, d.slip("number of targets", str(number), str(number - 1)))]
    shuffle = d.one(", shuffle=True", "", ", shuffle=True")
    lines += [f"dataset = TensorDataset({', '.join(names)})"]
    lines += [f"loader = DataLoader(dataset, batch_size={size}{shuffle}{', drop_last=True' if drop else ''})"]
    lines += [f"model = {task.build}", made, f"optimizer = {_optimizer(d)}"]
    given = f"for {', '.join(names)}{',' if len(names) == 1 else ''} in loader:"
    use = ["optimizer.zero_grad()", f"out = {_call(task)}", f"loss = {_loss(d, task, call)}", "loss.backward()", "optimizer.step()"]
    use = [*guarded(d, use, 0.2), *(["print(loss.item())"] if d.chance(0.2) and "try:" not in use else [])]
    lines += [f"for epoch in range({d.number(1, 3)}):", block([given, block(use)])]
    if task.goal.kind == "classes" and d.chance(0.5):
        look = [
            f"out = {_call(task)}",
            f"correct += ({d.slip('argmax', 'out.argmax(1)', 'out.argmax(dim=-2)', 'out')} == target).sum().item()",
        ]
        lines += ["model.eval()", "correct = 0", "with torch.no_grad():", block([given, block(look)]), f"print(correct / {number})"]
    head = "from torch.utils.data import DataLoader, TensorDataset\n\n\n"
    return head + _main(d, [line for line in lines if line])
