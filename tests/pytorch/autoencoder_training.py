"""onestroke's autoencoders and their training loss in PyTorch, with the same names for the same parameters.

Written from what the TypeScript documents, as `networks.py`. `config` is the network's part of a config.json.
"""

import torch.nn.functional as F
from networks import conv
from torch import nn

DETAIL = 4
NOISE = 0.05
PRIOR = 1e-3


class Residual(nn.ModuleList):
    """x + conv(silu(conv(silu(x))))."""

    def __init__(self, width):
        super().__init__([conv(width, width), conv(width, width)])

    def forward(self, x):
        return x + self[1](F.silu(self[0](F.silu(x))))


def blocks(count, width):
    return {str(i): Residual(width) for i in range(count)}


class Encoder(nn.ModuleDict):
    def __init__(self, config):
        levels, patch = config["levels"], config["patch_size"]
        super().__init__({"input": conv(config["channels"] * patch**2, levels[0]["width"])})
        for i, level in enumerate(levels):
            merge = {"merge": conv(4 * levels[i - 1]["width"], level["width"], 1)} if i > 0 else {}
            self[str(i)] = nn.ModuleDict({**merge, **blocks(level["encoder"], level["width"])})
        self["output"] = conv(levels[-1]["width"], config["latent_channels"], 1)
        self.patch, self.levels = patch, len(levels)

    def forward(self, x):
        x = self["input"](F.pixel_unshuffle(x, self.patch))
        for i in range(self.levels):
            for name, module in self[str(i)].items():
                x = module(F.pixel_unshuffle(x, 2) if name == "merge" else x)
        return self["output"](F.silu(x))


class Decoder(nn.ModuleDict):
    def __init__(self, config):
        levels, patch = config["levels"], config["patch_size"]
        super().__init__({"input": conv(config["latent_channels"], levels[-1]["width"])})
        for i, level in reversed(list(enumerate(levels))):
            split = {"split": conv(level["width"], 4 * levels[i - 1]["width"], 1)} if i > 0 else {}
            self[str(i)] = nn.ModuleDict({**blocks(level["decoder"], level["width"]), **split})
        self["output"] = conv(levels[0]["width"], DETAIL * patch**2)
        self["detail"] = conv(DETAIL, config["channels"])
        self.patch, self.levels = patch, len(levels)

    def forward(self, z):
        x = self["input"](z)
        for i in reversed(range(self.levels)):
            for name, module in self[str(i)].items():
                x = F.pixel_shuffle(module(x), 2) if name == "split" else module(x)
        return self["detail"](F.pixel_shuffle(self["output"](F.silu(x)), self.patch))


class Autoencoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.encoder, self.decoder = Encoder(config), Decoder(config)


def reconstruction_error(y, x):
    """Mean |y - x|, and the mean difference of the steps from each pixel to the next at three scales: [B]."""
    error = y - x
    total = error.abs().mean(dim=(1, 2, 3))
    for side in (1, 2, 4):
        coarse = error if side == 1 else F.avg_pool2d(error, side)
        for axis in (2, 3):
            total = total + coarse.diff(dim=axis).abs().mean(dim=(1, 2, 3))
    return total


def autoencoder_losses(net, x0, noise):
    """The training loss of each crop: [B]."""
    z = net.encoder(x0)
    back = net.decoder(z + NOISE * noise)
    return reconstruction_error(back, x0) + PRIOR / 2 * z.square().mean(dim=(1, 2, 3))
