"""PyTorch's side: python theirs.py. See `ours.js` for the other one, and tests/pytorch for the network."""

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1]
sys.path[:0] = [str(BENCHMARKS.parent / "tests" / "pytorch"), str(BENCHMARKS / "lib")]
from autoencoder_training import Autoencoder, autoencoder_losses  # noqa: E402
from serving import serve  # noqa: E402
from training import open_job  # noqa: E402


def autoencoder(config):
    """The network of an autoencoder's configuration, and its losses."""
    return Autoencoder(config["network"]), autoencoder_losses


if __name__ == "__main__":
    serve(lambda directory: open_job(directory, made_of=autoencoder))
