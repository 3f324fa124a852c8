"""How models take other batches, asked after a run that went well: what follows the batch, what mixes samples, and what changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from shapewright.model import Probe, Trace

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
FOLLOWS = ((1, (1,)), (2, (2,)), (3, (3,)))


def ran(check: Any, source: str, *inputs: str, target: str = "", **options: Any) -> Trace:
    """The trace of a program that is probed."""
    (check.folder / "program.py").write_text(HEAD + source)
    trace = check.worker.observe(check.request(f"program.py:{target}" if target else "program.py", *inputs, probe=True, **options))
    assert isinstance(trace, Trace)
    return trace


def one(check: Any, source: str, *inputs: str, **options: Any) -> Probe:
    """The only probe of a program that runs."""
    trace = ran(check, source, *inputs, **options)
    assert trace.stop is None
    assert not trace.failures
    assert len(trace.probes) == 1, trace.probes
    return trace.probes[0]


def module(forward: str, built: str = "") -> str:
    """A class `Net` with this forward."""
    lines = [f"        {line}" for line in built.splitlines()]
    body = [f"        {line}" for line in forward.splitlines()]
    return "\n".join(
        ["class Net(nn.Module):", "    def __init__(self):", "        super().__init__()", *lines, "    def forward(self, x):", *body, ""]
    )


CNN = module(
    "x = F.max_pool2d(F.relu(self.conv(x)), 2)\nreturn self.fc(torch.flatten(x, 1))",
    "self.conv = nn.Conv2d(3, 8, 3, padding=1)\nself.fc = nn.Linear(8 * 8 * 8, 10)",
)


def test_cnn_follows_the_batch(check: Any) -> None:
    probe = one(check, CNN + "Net()(torch.rand(5, 3, 16, 16))")
    assert probe == Probe("Net", ("f32[5, 3, 16, 16]",), ("f32[5, 10]",), 5, 0, FOLLOWS, False, (), 0, model=0)


def test_image_sizes_that_a_model_takes(check: Any) -> None:
    sizes = ((16, 16), (17, 17), (18, 18), (32, 32))
    probe = one(check, CNN + "Net()(torch.rand(1, 3, 16, 16))", probe_sizes=sizes)
    assert probe.accepts == ((16, 16), (17, 17))
    merges = CNN.replace("torch.flatten(x, 1)", "x.reshape(-1, 512)")
    probe = one(check, merges + "Net()(torch.rand(1, 3, 16, 16))", probe_sizes=sizes)
    assert probe.accepts == ((16, 16), (17, 17)), "32x32 runs as well, and gives 8 rows for 2 samples"


def test_a_view_that_makes_four_rows_of_one(check: Any) -> None:
    probe = one(check, CNN.replace("torch.flatten(x, 1)", "x.view(-1, 512)") + "Net()(torch.rand(1, 3, 32, 32))")
    assert (probe.batch, probe.batch_dim, probe.sizes) == (1, 0, ((1, (4,)), (2, (8,)), (3, (12,))))


def test_a_view_of_a_fixed_batch_fails_for_others(check: Any) -> None:
    probe = one(check, CNN.replace("torch.flatten(x, 1)", "x.view(2, 512)") + "Net()(torch.rand(2, 3, 16, 16))")
    assert probe.sizes == ((1, None), (2, (2,)), (3, None))


def test_reshape_in_the_place_of_transpose_mixes(check: Any) -> None:
    right = module("return self.fc(x.transpose(1, 2).reshape(len(x), -1))", "self.fc = nn.Linear(6 * 4, 2)")
    wrong = module("return self.fc(x.permute(1, 0, 2).reshape(len(x), -1))", "self.fc = nn.Linear(6 * 4, 2)")
    made = one(check, right + "Net()(torch.rand(3, 6, 4))")
    assert (made.sizes, made.mixes) == (FOLLOWS, False)
    made = one(check, wrong + "Net()(torch.rand(3, 6, 4))")
    assert (made.batch_dim, made.sizes, made.mixes) == (0, FOLLOWS, True)


@pytest.mark.parametrize(
    ("forward", "mixes"),
    [
        ("return x.flip(0)", True),  # the middle one stays where it is
        ("return x.roll(1, 0)", True),
        ("return x - x.mean(0)", True),  # permuting the samples permutes these outputs, and they mix
        ("return x.softmax(0)", True),
        ("return x * torch.arange(len(x)).view(-1, 1)", False),  # depends on the place, not on the others
        ("return x.argsort(1)", False),
        ("return x / 0", False),
    ],
)
@pytest.mark.parametrize("given", ["torch.rand(4, 5)", "torch.ones(1, 5)"])
def test_mixing(check: Any, forward: str, mixes: bool, given: str) -> None:
    assert one(check, f"{module(forward)}Net()({given})").mixes is mixes


def test_dropout_and_batchnorm_do_not_mix(check: Any) -> None:
    layers = "self.all = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))"
    probe = one(check, module("return F.dropout(self.all(x))", layers) + "Net()(torch.rand(4, 6))")
    assert (probe.sizes, probe.mixes) == (FOLLOWS, False)


def test_noise_is_no_mixing(check: Any) -> None:
    vae = module(
        "mean, spread = self.encoder(x).chunk(2, 1)\n"
        "z = mean + torch.randn_like(mean) * spread.exp()\nreturn self.decoder(z), mean, spread",
        "self.encoder = nn.Linear(12, 6)\nself.decoder = nn.Linear(3, 12)",
    )
    probe = one(check, vae + "Net()(torch.rand(8, 12))")
    assert (probe.sizes, probe.mixes) == (((1, (1, 1, 1)), (2, (2, 2, 2)), (3, (3, 3, 3))), False)


RNN = "self.rnn = nn.LSTM(5, 7)\nself.fc = nn.Linear(7, 2)"


def test_sequences_with_the_batch_in_the_second_dim(check: Any) -> None:
    probe = one(check, module("return self.fc(self.rnn(x)[0])", RNN) + "Net()(torch.rand(9, 4, 5))")
    assert (probe.batch, probe.batch_dim, probe.sizes, probe.mixes, probe.output_dim) == (4, 1, FOLLOWS, False, 1)
    probe = one(check, module("return self.fc(self.rnn(x)[0][-1])", RNN) + "Net()(torch.rand(9, 4, 5))")
    assert (probe.batch, probe.batch_dim, probe.sizes, probe.mixes, probe.output_dim) == (4, 1, FOLLOWS, False, 0)


def test_recurrent_layer_that_takes_the_batch_for_time(check: Any) -> None:
    probe = one(check, module("return self.fc(self.rnn(x)[0][:, -1])", RNN) + "Net()(torch.rand(4, 9, 5))")
    assert (probe.batch_dim, probe.sizes, probe.mixes) == (0, FOLLOWS, True)


def test_a_recurrent_layer_of_the_library(check: Any) -> None:
    probe = one(check, "nn.GRU(5, 7, batch_first=True)(torch.rand(4, 9, 5))")
    assert (probe.module, probe.batch_dim, probe.mixes) == ("GRU", 0, False)
    assert probe.sizes == ((1, (1, 1)), (2, (2, 1)), (3, (3, 1))), "the state has its batch in dim 1"


def test_hidden_state_goes_along(check: Any) -> None:
    net = module("x, h = x\nreturn self.rnn(x, h)", "self.rnn = nn.GRU(5, 7, batch_first=True)")
    for layers_and_batch in (1, 4):
        source = net.replace("batch_first", f"num_layers={1}, batch_first")
        probe = one(check, f"{source}Net()((torch.rand({layers_and_batch}, 9, 5), torch.zeros(1, {layers_and_batch}, 7)))")
        assert (probe.batch_dim, probe.mixes) == (0, False)
        assert [sizes and sizes[0] for _, sizes in probe.sizes] == [1, 2, 3]


def test_token_ids(check: Any) -> None:
    net = module("return self.fc(self.table(x).mean(1))", "self.table = nn.Embedding(20, 6)\nself.fc = nn.Linear(6, 2)")
    for ids in ("torch.randint(20, (4, 11))", "torch.full((1, 11), 19)", "torch.zeros(2, 11, dtype=torch.long)"):
        probe = one(check, f"{net}Net()({ids})")
        assert (probe.sizes, probe.mixes) == (FOLLOWS, False)
    mixing = net.replace("mean(1)", "mean(0)[None].expand(len(x), 11, 6).mean(1)")
    assert one(check, f"{mixing}Net()(torch.full((1, 11), 19))").mixes is True


def test_lengths_that_must_be_sorted(check: Any) -> None:
    net = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.rnn = nn.LSTM(5, 7, batch_first=True)\n"
        "    def forward(self, x, lengths):\n        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)\n"
        "        return nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]\n"
    )
    probe = one(check, net + "Net()(torch.rand(2, 6, 5), lengths=torch.tensor([6, 3]))")
    assert probe.sizes == FOLLOWS


def test_several_inputs_also_in_containers_and_by_name(check: Any) -> None:
    net = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(7, 2)\n"
        "    def forward(self, both, *, scale, times=1):\n"
        "        a, b = both['pair']\n        return self.fc(torch.cat([a, b], 1)) * scale * times\n"
    )
    probe = one(check, net + "Net()({'pair': [torch.rand(4, 3), torch.rand(4, 4)]}, scale=torch.rand(4, 1), times=2)")
    assert probe.inputs == ("f32[4, 3]", "f32[4, 4]", "f32[4, 1]")
    assert (probe.sizes, probe.mixes) == (FOLLOWS, False)


def test_a_graph_is_one_sample(check: Any) -> None:
    net = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n"
        "    def forward(self, x, adjacency):\n        return adjacency @ self.fc(x)\n"
    )
    probe = one(check, net + "Net()(torch.rand(6, 3), torch.rand(6, 6).softmax(1))")
    assert probe.mixes is True or [sizes and sizes[0] for _, sizes in probe.sizes] != [1, 2, 3]


def test_a_model_that_returns_its_loss(check: Any) -> None:
    probe = one(check, module("return self.fc(x).pow(2).mean()", "self.fc = nn.Linear(3, 2)") + "Net()(torch.rand(6, 3))")
    assert (probe.outputs, probe.batch_dim, probe.sizes, probe.mixes) == (("f32[]",), 0, ((1, (None,)), (2, (None,)), (3, (None,))), None)


def test_outputs_in_dicts_and_dataclasses(check: Any) -> None:
    net = module("return {'logits': self.fc(x), 'hidden': [x]}", "self.fc = nn.Linear(3, 2)")
    probe = one(check, net + "Net()(torch.rand(6, 3))")
    assert (probe.outputs, probe.sizes) == (("f32[6, 2]", "f32[6, 3]"), ((1, (1, 1)), (2, (2, 2)), (3, (3, 3))))
    record = "from dataclasses import dataclass\n@dataclass\nclass Out:\n    logits: torch.Tensor\n    loss: object = None\n"
    probe = one(check, record + module("return Out(self.fc(x))", "self.fc = nn.Linear(3, 2)") + "Net()(torch.rand(6, 3))")
    assert (probe.outputs, probe.sizes) == (("f32[6, 2]",), FOLLOWS)


LARGE = "self.wide = nn.Linear(4, 30000)\nself.deep = nn.Linear(30000, 30000)\nself.fc = nn.Linear(30000, 2)"


def test_fake_tensors(check: Any) -> None:
    net = module("x = self.deep(self.wide(x))\nif x.sum() > 0:\n    x = x * x.mean().item()\nreturn self.fc(x)", LARGE)
    trace = ran(check, net + "Net()(torch.rand(5, 4))", probe_sizes=((8, 8),))
    assert trace.how == "fake"
    assert trace.probes == (Probe("Net", ("f32[5, 4]",), ("f32[5, 2]",), 5, 0, FOLLOWS, None, (), 0, model=0),)
    assert trace.parameters == 4 * 30000 + 30000 + 30000 * 30000 + 30000 + 30000 * 2 + 2
    trace = ran(check, CNN.replace("torch.flatten(x, 1)", "x.reshape(-1, 512)") + "Net()(torch.rand(1, 3, 32, 32))", how="fake")
    assert trace.probes[0].sizes == ((1, (4,)), (2, (8,)), (3, (12,)))


GAN = (
    "gen = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6))\n"
    "disc = nn.Sequential(nn.Linear(6, 8), nn.LeakyReLU(), nn.Linear(8, 1), nn.Sigmoid())\n"
    "loss = nn.BCELoss()\nloss(disc(gen(torch.randn(5, 4))), torch.ones(5, 1)).backward()\n"
)


def test_two_models_and_no_loss(check: Any) -> None:
    trace = ran(check, GAN)
    assert [(probe.inputs, probe.sizes, probe.mixes) for probe in trace.probes] == [
        (("f32[5, 4]",), FOLLOWS, False),
        (("f32[5, 6]",), FOLLOWS, False),
    ]
    assert trace.parameters == (4 * 8 + 8 + 8 * 6 + 6) + (6 * 8 + 8 + 8 + 1)
    assert len(trace.weights.split()) == 2


def test_models_with_parameters_come_first_and_four_at_most(check: Any) -> None:
    own = "class Own(nn.Module):\n    def forward(self, x):\n        return x * 2\nx = Own()(torch.rand(2, 3))\n"
    trace = ran(check, own + "nn.Flatten()(x)\nnn.Linear(3, 4)(x)")
    assert [probe.module for probe in trace.probes] == ["Linear", "Own"]
    trace = ran(check, own + "for i in range(5): nn.Linear(3, 4)(x)")
    assert [probe.module for probe in trace.probes] == ["Linear"] * 4


def test_a_named_model_and_a_named_function(check: Any) -> None:
    source = CNN + "Net()(torch.rand(1, 3, 16, 16))\n"
    probe = one(check, source, "2,3,16,16", target="Net")
    assert (probe.inputs, probe.sizes) == (("f32[2, 3, 16, 16]",), FOLLOWS)
    probe = one(check, "def double(x):\n    return torch.cat([x, x])\n", "2,3", target="double")
    assert (probe.module, probe.sizes) == ("double", ((1, (2,)), (2, (4,)), (3, (6,))))


def test_no_model_no_probe(check: Any) -> None:
    trace = ran(check, "print(torch.rand(2, 3) @ torch.rand(3, 2))\nnn.MSELoss()(torch.rand(2), torch.rand(2))")
    assert (trace.probes, trace.weights) == ((), "")
    assert ran(check, "print(torch.rand(2, 3))").parameters is None


def test_probes_only_where_asked_for_and_only_after_a_good_run(check: Any) -> None:
    (check.folder / "program.py").write_text(HEAD + CNN + "Net()(torch.rand(5, 3, 16, 16))")
    assert check.worker.observe(check.request("program.py")).probes == ()
    for ending in ("Net()(torch.rand(5, 3, 32, 32))", "try: Net()(torch.rand(5, 3, 32, 32))\nexcept Exception as e: print(e)", "1 / 0"):
        assert ran(check, CNN + f"Net()(torch.rand(5, 3, 16, 16))\n{ending}").probes == ()
    answered = "try: Net()(torch.rand(5, 3, 32, 32))\nexcept Exception: Net()(torch.rand(5, 3, 16, 16))"
    assert len(ran(check, CNN + answered).probes) == 1


def test_a_failed_call_is_not_the_one_that_is_repeated(check: Any) -> None:
    source = CNN + "net = Net()\ntry: net(torch.rand(5, 3, 32, 32))\nexcept RuntimeError: y = net(torch.rand(4, 3, 16, 16))"
    assert one_of(ran(check, source)).inputs == ("f32[4, 3, 16, 16]",)


def one_of(trace: Trace) -> Probe:
    assert len(trace.probes) == 1, trace
    return trace.probes[0]


@pytest.mark.parametrize(
    "forward",
    [
        "if not self.training: raise RuntimeError\nreturn self.fc(x)",
        "x.requires_grad_()\nreturn torch.autograd.grad(self.fc(x).sum(), x)[0]",
    ],
    ids=["training", "gradients"],
)
def test_models_that_run_in_one_mode_only(check: Any, forward: str) -> None:
    assert one(check, module(forward, "self.fc = nn.Linear(3, 2)") + "Net()(torch.rand(6, 3))").sizes == FOLLOWS


def test_a_model_that_no_call_can_be_repeated_of(check: Any) -> None:
    net = module("if self.used: raise RuntimeError\nself.used = True\nreturn self.fc(x)", "self.fc = nn.Linear(3, 2)\nself.used = False")
    assert one(check, net + "Net()(torch.rand(6, 3))") == Probe("Net", ("f32[6, 3]",), ("f32[6, 2]",), model=0)


def test_a_hanging_or_a_leaving_model_changes_nothing(check: Any) -> None:
    net = module("while len(x) == 1: pass\nreturn self.fc(x)", "self.fc = nn.Linear(3, 2)")
    probe = one(check, net + "Net()(torch.rand(6, 3))", time_limit=4.0)
    assert probe.sizes == ((1, None),), "for what comes after there is no time"
    for leave in ("raise SystemExit(3)", "import os; os._exit(1)", "raise KeyboardInterrupt"):
        net = module(f"if len(x) == 1: {leave}\nreturn self.fc(x)", "self.fc = nn.Linear(3, 2)")
        probe = one(check, net + "Net()(torch.rand(6, 3))")
        assert probe.sizes == ((1, None), (2, (2,)), (3, (3,)))


def test_a_probe_leaves_no_sign_in_the_trace(check: Any) -> None:
    source = module(
        "if len(x) == 1: nn.Linear(2, 2)(x)\nif len(x) == 2: torch.save(x, 'x.pt')\nreturn self.rnn(x)[0]", "self.rnn = nn.GRU(3, 2)"
    )
    (check.folder / "program.py").write_text(HEAD + source + "Net()(torch.rand(6, 4, 3))")
    for how in ("eager", "fake"):
        asked = check.worker.observe(check.request("program.py", probe=True, all_events=True, how=how))
        plain = check.worker.observe(check.request("program.py", all_events=True, how=how))
        assert asked.probes
        for name in ("events", "modules", "failures", "stop", "total_events", "assumed", "parameters", "weights", "output", "inputs"):
            assert getattr(asked, name) == getattr(plain, name), name


def test_weights_tell_whether_a_checkpoint_loads(check: Any) -> None:
    made = ran(check, CNN + "Net()(torch.rand(5, 3, 16, 16))")
    again = ran(check, CNN.replace("flatten(x, 1)", "flatten(x, start_dim=1)") + "Net()(torch.rand(2, 3, 17, 17))")
    wider = ran(check, CNN.replace("8 * 8 * 8, 10", "8 * 8 * 8, 11") + "Net()(torch.rand(5, 3, 16, 16))")
    renamed = ran(check, CNN.replace("self.fc", "self.head") + "Net()(torch.rand(5, 3, 16, 16))")
    failing = ran(check, CNN + "Net()(torch.rand(5, 3, 32, 32))")
    assert made.weights == again.weights == failing.weights != ""
    assert made.parameters == again.parameters == failing.parameters == renamed.parameters == 8 * 3 * 9 + 8 + 512 * 10 + 10
    assert wider.parameters == made.parameters + 513
    assert len({made.weights, wider.weights, renamed.weights}) == 3


def test_weights_of_a_run_that_failed_early_begin_those_of_the_whole_run(check: Any) -> None:
    whole, early = ran(check, GAN), ran(check, GAN.replace("nn.Linear(6, 8)", "nn.Linear(7, 8)"))
    assert whole.weights.split()[0] == early.weights.split()[0]
    never = ran(check, CNN + "net = Net()\nnet.load_state_dict({'fc.weight': torch.zeros(3, 3)})")
    assert never.parameters == 8 * 3 * 9 + 8 + 512 * 10 + 10


def test_tied_lazy_and_buffered_weights(check: Any) -> None:
    tied = "self.a = nn.Linear(3, 3)\nself.b = nn.Linear(3, 3)\nself.b.weight = self.a.weight"
    assert ran(check, module("return self.b(self.a(x))", tied) + "Net()(torch.rand(6, 3))").parameters == 9 + 3 + 3
    assert ran(check, "nn.LazyLinear(4)(torch.rand(6, 3))").parameters == 16
    buffer = "self.a = nn.Linear(3, 3)\nself.register_buffer('table', torch.zeros(5), persistent={})"
    kept, left, without = (
        ran(check, module("return self.a(x)", text) + "Net()(torch.rand(6, 3))").weights
        for text in (buffer.format(True), buffer.format(False), "self.a = nn.Linear(3, 3)")
    )
    assert kept != left == without
    assert ran(check, "torch.jit.script(nn.Linear(3, 4))(torch.rand(6, 3))").parameters == 16
