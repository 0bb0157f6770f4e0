"""The answering end of `child.js`, in Python: trains as it is asked, and says how long that took."""

import json
import platform
import sys
import time
from pathlib import Path

import torch


def peak_memory():
    """Most memory that this process ever held, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024


def serve(open_job):
    """`open_job(directory)` returns a trainer and its step. Returns when standard input ends."""
    step = None
    for line in sys.stdin:
        request = json.loads(line)
        if "open" in request:
            _, step = open_job(Path(request["open"]))
            answer = {"versions": {"torch": torch.__version__, "python": platform.python_version()}}
        else:
            begin = time.perf_counter()
            losses = [step() for _ in range(request["steps"])]
            seconds = time.perf_counter() - begin
            answer = {"seconds": seconds, "losses": losses, "peak_memory": peak_memory()}
        print(json.dumps(answer), flush=True)
