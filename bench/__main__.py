"""`python -m bench NAME …` runs measurements and prints their tables; without a name it lists them.

Exit code 0: every limit was kept; 1: one was missed; 2: there is no such measurement.
"""

from __future__ import annotations

import importlib
import subprocess
import sys

NAMES = (
    "startup",
    "candidates",
    "recorder",
    "large",
    "growth",
    "differential",
    "mutants",
    "quiet",
    "models",
    "learning",
    "explain",
    "run",
    "plugin",
    "peers",
)


def main(names: list[str]) -> int:
    if not names:
        for name in NAMES:
            print(f"{name:10}{(importlib.import_module(f'bench.{name}').__doc__ or '').splitlines()[0]}")
        return 0
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no measurement is called {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    if len(names) > 1:
        # Each in a fresh process: what one has imported would count as memory of the commands that the next one starts.
        return max([subprocess.run([sys.executable, "-m", "bench", name], check=False).returncode for name in names])
    table, kept = importlib.import_module(f"bench.{names[0]}").measure()
    print(f"{table}\n\n{'ok' if kept else 'SHORT'}: {names[0]}\n", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
