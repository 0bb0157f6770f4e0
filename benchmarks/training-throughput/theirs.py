"""PyTorch's side: python theirs.py [--compile]. See `ours.js` for the other one, and tests/pytorch for the network."""

import json
import platform
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "pytorch"))
from training import open_job  # noqa: E402


def peak_memory():
    """Most memory that this process ever held, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024


def main():
    step = None
    for line in sys.stdin:
        request = json.loads(line)
        if "open" in request:
            _, step = open_job(Path(request["open"]), compiled="--compile" in sys.argv)
            answer = {"versions": {"torch": torch.__version__, "python": platform.python_version()}}
        else:
            begin = time.perf_counter()
            losses = [step() for _ in range(request["steps"])]
            seconds = time.perf_counter() - begin
            answer = {"seconds": seconds, "losses": losses, "peak_memory": peak_memory()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
