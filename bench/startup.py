"""A clean check of a small program against a bare `import torch`, whole processes, pair by pair.

Both are run in turn, so that a busy machine slows both; the ratio of each pair is taken, and of the ratios the median.
The processor's seconds count all processes of the command; seconds are what the user waits.
"""

from __future__ import annotations

import sys
from statistics import median

from bench.processes import ROOT, run, shapewright
from bench.table import judged, markdown

PAIRS = 5
LIMIT = 1.5
BARE = (sys.executable, "-c", "import torch")
# Clean when checked (those that fail are found out while it runs).
SMALL = (
    "autoencoder_conv", "autoencoder_flatten", "autoencoder_latent", "autoencoder_one_image", "gan_discriminator", "gan_generator",
)  # fmt: skip
# VGG16 has 528 MB of parameters: built for real, then run again on fake tensors. Listed, not judged.
LARGE = ("vgg_features_flatten", "vgg_features_pooled")


def measure() -> tuple[str, bool]:
    """The table, and whether every small program keeps the limit, in seconds and in the processor's."""
    run(BARE)
    rows = []
    kept = True
    for name in (*SMALL, *LARGE):
        command = shapewright("check", str((ROOT / "examples" / name).with_suffix(".py").relative_to(ROOT)))
        first = run(command)
        if first.exit_code != 0:
            rows.append((f"{name}.py", "", "", "", "", "", "not clean"))
            kept = False
            continue
        pairs = [(run(command), run(BARE)) for _ in range(PAIRS)]
        cpu = median(check.cpu / bare.cpu for check, bare in pairs)
        wall = median(check.wall / bare.wall for check, bare in pairs)
        small = name in SMALL
        kept = kept and (not small or max(cpu, wall) <= LIMIT)
        rows.append(
            (
                f"{name}.py",
                f"{median(bare.cpu for _, bare in pairs):.2f} s",
                f"{median(check.cpu for check, _ in pairs):.2f} s",
                f"{cpu:.2f}",
                f"{wall:.2f}",
                f"{LIMIT}" if small else "–",
                judged(max(cpu, wall), LIMIT) if small else "large",
            )
        )
    return markdown(("program", "`import torch`, CPU", "check, CPU", "ratio, CPU", "ratio, wall", "limit", ""), rows), kept
