"""A check of a small program, clean or with its fixes, against a bare `import torch`, whole processes, pair by pair.

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
# Has one error, for which several fixes are run.
MENDED = ("cnn_64px",)
MENDED_LIMIT = 2.5
# VGG16 has 528 MB of parameters: built for real, then run again on fake tensors. Listed, not judged.
LARGE = ("vgg_features_flatten", "vgg_features_pooled")


def measure() -> tuple[str, bool]:
    """The table, and whether every small program keeps the limit, in seconds and in the processor's."""
    run(BARE)
    rows = []
    kept = True
    for name in (*SMALL, *MENDED, *LARGE):
        command = shapewright("check", str((ROOT / "examples" / name).with_suffix(".py").relative_to(ROOT)))
        first = run(command)
        if first.exit_code != (1 if name in MENDED else 0):
            rows.append((f"{name}.py", "", "", "", "", "", f"exit code {first.exit_code}"))
            kept = False
            continue
        pairs = [(run(command), run(BARE)) for _ in range(PAIRS)]
        cpu = median(check.cpu / bare.cpu for check, bare in pairs)
        wall = median(check.wall / bare.wall for check, bare in pairs)
        limit = MENDED_LIMIT if name in MENDED else LIMIT
        small = name not in LARGE
        kept = kept and (not small or max(cpu, wall) <= limit)
        rows.append(
            (
                f"{name}.py",
                f"{median(bare.cpu for _, bare in pairs):.2f} s",
                f"{median(check.cpu for check, _ in pairs):.2f} s",
                f"{cpu:.2f}",
                f"{wall:.2f}",
                f"{limit}" if small else "–",
                judged(max(cpu, wall), limit) if small else "large",
            )
        )
    return markdown(("program", "`import torch`, CPU", "check, CPU", "ratio, CPU", "ratio, wall", "limit", ""), rows), kept
