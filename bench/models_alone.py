"""`python -m bench.models_alone forward|torchinfo FILE`: one model in a fresh process, as the script of a user would call it.

FILE holds the model as JSON: what builds it and what it is given. Imports nothing of shapewright.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(words: list[str]) -> int:
    """Build, then call or summarize."""
    from bench import models_ops, models_real

    way, file = words
    if models_real.TORCHINFO:
        sys.path.append(models_real.TORCHINFO)
    models_ops.declare()  # timm imports torchvision, too
    import torch

    torch.set_num_threads(1)
    model, inputs = models_real.built(json.loads(Path(file).read_text(encoding="utf-8")))
    with torch.no_grad():
        (models_real.forward if way == "forward" else models_real.summarized)(model, inputs)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
