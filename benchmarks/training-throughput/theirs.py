"""PyTorch's side: python theirs.py [--compile]. See `ours.js` for the other one, and tests/pytorch for the network."""

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1]
sys.path[:0] = [str(BENCHMARKS.parent / "tests" / "pytorch"), str(BENCHMARKS / "lib")]
from serving import serve  # noqa: E402
from training import open_job  # noqa: E402

if __name__ == "__main__":
    serve(lambda directory: open_job(directory, compiled="--compile" in sys.argv))
