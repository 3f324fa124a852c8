"""Fixes for map sizes that do not meet: the number that slipped, a larger image, one stage less, a projection."""

from __future__ import annotations

import pytest

from shapewright.reason.patches import applied
from shapewright.report import TargetReport

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n\n"

AUTOENCODER = """
class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1))
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=1),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))

model, images = AutoEncoder(), torch.rand(4, 1, 28, 28)
loss = F.mse_loss(model(images), images)
loss.backward()
"""

CRITIC = """
class Critic(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv1d(width, width * 2, 4, 2, 1),
            nn.LeakyReLU(0.2),
            nn.Conv1d(width * 2, 1, 8),
        )

    def forward(self, x):
        return self.net(x).view(x.size(0))

signals, labels = torch.randn(6, 1, 32), torch.ones(6)
loss = F.binary_cross_entropy_with_logits(Critic()(signals), labels)
loss.backward()
"""

DENSE = """
class Dense(nn.Module):
    def __init__(self, c, k=3):
        super().__init__()
        self.steps = nn.ModuleList([nn.Conv2d(c, 4, k, padding=1), nn.Conv2d(c + 4, 4, kernel_size=k, padding=1)])
        self.last = nn.Conv2d(c + 8, 2, 1)

    def forward(self, x):
        for step in self.steps:
            x = torch.cat([x, torch.relu(step(x))], 1)
        return self.last(x)

print(Dense(3)(torch.zeros(2, 3, 10, 14)).shape)
"""

HEADED = """
net = nn.Sequential(
    nn.Conv2d(1, 4, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2)),
    nn.MaxPool2d(2),
    nn.Flatten(),
)
out = (net(torch.zeros(3, 1, 16, 16)).view(3, 4, 8, 8) - torch.zeros(3, 4, 8, 8)) ** 2
print(out.mean())
"""


def first(report: TargetReport, text: str) -> str:
    """The program after the first fix of its only finding, which must be proven."""
    (finding,) = report.findings
    assert finding.fixes and finding.fixes[0].verdict == "fixed", [(fix.title, fix.verdict) for fix in finding.fixes]
    return applied(text, finding.fixes[0].edits)


# One number of a working program slips; the first fix puts it back.
@pytest.mark.parametrize(
    ("program", "right", "wrong"),
    [
        (AUTOENCODER, "stride=2, padding=1, output_padding=1),\n        )", "stride=2, padding=1),\n        )"),
        (AUTOENCODER, "output_padding=1),\n            nn.ReLU", "output_padding=11),\n            nn.ReLU"),
        (AUTOENCODER, "16, 3, stride=2", "16, 3, stride=1"),
        (AUTOENCODER, "8, 3, stride=2, padding=1)", "8, 3, stride=2, padding=3)"),
        (CRITIC, "nn.Conv1d(1, width, 4, 2, 1)", "nn.Conv1d(1, width, 4, 1, 1)"),
        (DENSE, "nn.Conv2d(c, 4, k, padding=1)", "nn.Conv2d(c, 4, k, padding=0)"),
        (DENSE, "k=3", "k=33"),
        (HEADED, "padding=(2, 2)", "padding=(2, 0)"),
        (HEADED, "stride=(1, 1)", "stride=(2, 1)"),
    ],
)
def test_the_number_that_slipped_is_put_back(check, program: str, right: str, wrong: str) -> None:  # type: ignore[no-untyped-def]
    assert program.count(right) == 1
    text = HEAD + program.replace(right, wrong)
    assert first(check.source(text), text) == HEAD + program


DEEP = """
features = nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1),
    nn.MaxPool2d(2),
    nn.Conv2d(4, 8, 3, padding=1),
    nn.MaxPool2d(2),
    nn.Conv2d(8, 8, 3, padding=1),
    nn.MaxPool2d(2),
    nn.MaxPool2d(2),
)
{images}
print(features(images).mean((2, 3)).shape)
"""


def test_an_image_that_is_too_small_is_made_larger(check) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + DEEP.format(images="size = 9\nimages = torch.rand(2, 1, size, size)")
    assert first(check.source(text), text) == text.replace("size = 9", "size = 16")


def test_or_one_pooling_is_left_out_where_the_size_is_given(check) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + DEEP.format(images="images = torch.stack([torch.eye(8)[None] for _ in range(3)])")
    assert first(check.source(text), text) == text.replace("    nn.MaxPool2d(2),\n    nn.MaxPool2d(2),\n", "    nn.MaxPool2d(2),\n")


def test_or_a_stage_of_a_list(check) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + (
        "def layers(config, c=1):\n"
        "    for width in config:\n"
        "        if width == 'M':\n"
        "            yield nn.MaxPool2d(2)\n"
        "        else:\n"
        "            yield nn.Conv2d(c, width, 3, padding=1)\n"
        "            c = width\n"
        "\n"
        "net = nn.Sequential(*layers([4, 'M', 8, 'M', 8, 'M', 8, 'M']))\n"
        "print(net(torch.eye(8)[None, None]).flatten(1).sum(1))\n"
    )
    assert first(check.source(text), text) == text.replace("8, 'M'])", "8])")


SKIP = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 4, 4, stride=4)
        self.up = nn.ConvTranspose2d(4, 4, 4, stride=4)

    def forward(self, x):
        small = self.down(x)
        y = self.up(torch.relu(small))
        return torch.cat([y, x], dim=1)

print(Net()({image}).shape)
"""


def test_the_upsampled_side_is_resized_and_never_the_skip(check) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + SKIP.format(image="torch.eye(30)[None, None]")
    (finding,) = check.source(text).findings
    edited = [applied(text, fix.edits) for fix in finding.fixes]
    resized = text.replace("        return", "        y = F.interpolate(y, size=x.shape[2:])\n        return")
    assert resized in edited
    assert not any("interpolate(x" in one for one in edited)


def test_an_image_that_the_script_makes_gets_a_size_that_halves(check) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + SKIP.format(image="torch.rand(2, 1, 30, 45)")
    (finding,) = check.source(text).findings
    assert text.replace("30, 45", "32, 48") in [applied(text, fix.edits) for fix in finding.fixes]


BLOCK = """
class Block(nn.Module):
    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1)
        self.conv2 = nn.Conv2d(planes, planes * 2, 3, padding=1)

    def forward(self, x):
        out = self.conv2(torch.relu(self.conv1(x)))
        return torch.relu({add})

net = nn.Sequential(Block(3, 8, 2), Block(16, 16, 2), nn.Flatten(), nn.Linear(32 * 16, 5))
print(net(torch.zeros(2, 3, 16, 16)).shape)
"""

MLP = """
class Residual(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(d_in, 32), nn.ReLU(), nn.Linear(32, d_out))

    def forward(self, h):
        return {add}

model = nn.Sequential(Residual(10, 20), Residual(20, 6))
print(model(torch.zeros(4, 10)).shape)
"""


def test_a_residual_of_other_width_and_size_is_projected(check) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + BLOCK.format(add="out + x")
    right = HEAD + BLOCK.format(add="out + self.shortcut(x)").replace(
        "planes * 2, 3, padding=1)\n",
        "planes * 2, 3, padding=1)\n        self.shortcut = nn.Conv2d(inplanes, planes * 2, 1, stride=stride)\n",
    )
    assert first(check.source(text), text) == right


def test_a_residual_of_linear_layers_is_projected(check) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + MLP.format(add="h + self.net(h)")
    right = HEAD + MLP.format(add="self.shortcut(h) + self.net(h)").replace(
        "nn.Linear(32, d_out))\n", "nn.Linear(32, d_out))\n        self.shortcut = nn.Linear(d_in, d_out)\n"
    )
    assert first(check.source(text), text) == right


def test_no_projection_of_what_is_no_longer_the_input(check) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + MLP.format(add="h + self.net(h)").replace("        return", "        h = h * 2\n        return")
    (finding,) = check.source(text).findings[:1]
    assert not any("shortcut" in edit.new for fix in finding.fixes for edit in fix.edits)


def test_widths_that_differ_are_no_matter_of_geometry(check) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + "net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1))\nprint(net(torch.zeros(1, 3, 8, 8)))\n"
    (finding,) = check.source(text).findings
    assert finding.fixes and not any(word in fix.title for fix in finding.fixes for word in ("padding", "stride", "kernel", "images"))


def test_what_a_model_gives_is_not_resized_for_the_loss(check) -> None:  # type: ignore[no-untyped-def]
    text = (
        (HEAD + AUTOENCODER)
        .replace("F.mse_loss(model(images), images)", "((model(images) - images) ** 2).mean()")
        .replace("28, 28", "30, 30")
    )
    (finding,) = check.source(text).findings
    assert finding.fixes and not any("interpolate" in edit.new for fix in finding.fixes for edit in fix.edits)


def test_a_size_out_of_a_list_of_sizes_is_left_alone(check) -> None:  # type: ignore[no-untyped-def]
    text = HEAD + (
        "net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 4 * 4, 2))\n"
        "for size in [8, 16]:\n"
        "    print(net(torch.rand(2, 1, size, size)))\n"
    )
    (finding,) = check.source(text).findings
    assert finding.fixes and not any("8, 8" in applied(text, fix.edits) for fix in finding.fixes)
