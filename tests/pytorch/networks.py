"""onestroke's networks, preconditioning and diffusion loss in PyTorch, with the same names for the same parameters.

Written from what the TypeScript documents, as one would write them for PyTorch: modules, fused functions of
torch.nn.functional, (batch, channels, height, width) throughout. `config` is the network's part of a config.json.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

EPS = 1e-5


class Mlp(nn.ModuleList):
    """Two linear layers with a SiLU between."""

    def __init__(self, width_in, width):
        super().__init__([nn.Linear(width_in, width), nn.Linear(width, width)])

    def forward(self, x):
        return self[1](F.silu(self[0](x)))


class Fourier(nn.Module):
    """sin and cos of x at frequencies spaced evenly in the logarithm: [B] -> [B, 2 * count]."""

    def __init__(self, count, low, high):
        super().__init__()
        exponents = torch.linspace(0, 1, count, dtype=torch.float64)
        # Rounded to float32, as onestroke stores them, whatever precision the module computes in.
        self.register_buffer("frequencies", (low * (high / low) ** exponents).float(), persistent=False)

    def forward(self, x):
        angles = x[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Table(nn.Module):
    """Word vectors, and where words stand in the prompt (`positions` 0: nowhere)."""

    def __init__(self, vocabulary, width, positions):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(vocabulary, width))
        if positions:
            self.position = nn.Parameter(torch.randn(positions, width))


class Embedding(nn.Module):
    """Noise levels, condition and guidance -> a vector [B, width], and the words [B, tokens, token width]."""

    def __init__(self, width, token_width, condition, guidance_embedding, jump_embedding):
        super().__init__()
        self.frequencies = Fourier(16, 0.5, 16)
        self.noise = Mlp(32, width)
        self.kind = condition["kind"]
        if self.kind != "none":
            self.tokens = Table(
                condition["vocabulary"], token_width, condition["tokens"] if self.kind == "text" else 0
            )
            self.condition = Mlp(token_width, width)
        if guidance_embedding:
            self.guidance_frequencies = Fourier(8, 0.5, 8)
            self.guidance = Mlp(16, width)
            if self.kind != "none":
                self.negative = Mlp(token_width, width)
        if jump_embedding:
            self.jump_frequencies = Fourier(8, 0.5, 8)
            self.jump = Mlp(16, width)

    def forward(self, c_noise, condition=None, guidance_scale=None, negative=None, c_jump=None):
        embedding = self.noise(self.frequencies(c_noise))
        tokens = None
        if self.kind != "none":
            words = condition @ self.tokens.weight
            embedding = embedding + self.condition(rms_norm(words.sum(dim=1)))
            if self.kind == "text":
                tokens = words + self.tokens.position
        if guidance_scale is not None:
            embedding = embedding + self.guidance(self.guidance_frequencies(1 - 1 / guidance_scale))
        if negative is not None:
            away = rms_norm((negative @ self.tokens.weight).sum(dim=1))
            embedding = embedding + self.negative(away * (1 - 1 / guidance_scale)[:, None])
        if c_jump is not None:
            embedding = embedding + self.jump(self.jump_frequencies(c_jump))
        return F.silu(embedding), tokens


def rms_norm(x):
    return F.rms_norm(x, x.shape[-1:], eps=EPS)


def attention(qkv, words, heads, mask=None):
    """Among the rows of qkv [B, T, 3 * D], which also look at words [B, S, 2 * D] if there are any."""
    b, _, d = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
    q, k, v = qkv.chunk(3, dim=-1)
    if words is not None:
        kt, vt = words.chunk(2, dim=-1)
        k, v = torch.cat([k, kt], dim=1), torch.cat([v, vt], dim=1)
    q, k, v = (z.view(b, -1, heads, d // heads).transpose(1, 2) for z in (q, k, v))
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return mixed.transpose(1, 2).reshape(b, -1, d)


# -- hourglass ---------------------------------------------------------------------------------------------------------


def spatial_shift(x):
    """An eighth of the channels comes from the token below, above, right and left each; zeros beyond the border."""
    n = x.shape[-1] // 8
    below, above, right, left, own = x.split([n, n, n, n, x.shape[-1] - 4 * n], dim=-1)
    return torch.cat(
        [
            F.pad(below[:, 1:], (0, 0, 0, 0, 0, 1)),
            F.pad(above[:, :-1], (0, 0, 0, 0, 1, 0)),
            F.pad(right[:, :, 1:], (0, 0, 0, 1)),
            F.pad(left[:, :, :-1], (0, 0, 1, 0)),
            own,
        ],
        dim=-1,
    )


def sides_of(config):
    """Height and width of a config's pictures."""
    sides = config["resolution"]
    return tuple(sides) if isinstance(sides, list) else (sides, sides)


def window_side(most, side):
    """The largest window along an axis that fills it evenly."""
    return max(n for n in range(1, min(most, side) + 1) if side % n == 0)


def to_windows(x, tall, wide):
    """[B, h, w, D] -> [B * windows, tall * wide, D]"""
    b, h, w, d = x.shape
    x = x.view(b, h // tall, tall, w // wide, wide, d).transpose(2, 3)
    return x.reshape(-1, tall * wide, d)


def from_windows(x, tall, wide, h, w):
    d = x.shape[-1]
    return x.view(-1, h // tall, w // wide, tall, wide, d).transpose(2, 3).reshape(-1, h, w, d)


class TransformerBlock(nn.Module):
    def __init__(self, width, heads, window, moved, neighbours, mlp_ratio, token_width):
        """`window` is the most tokens of a side, None for all; `moved` says whether windows begin half of one further on."""
        super().__init__()
        self.heads, self.window, self.moved, self.neighbours = heads, window, moved, neighbours
        hidden = math.floor(mlp_ratio * width + 0.5)
        self.modulation = nn.Parameter(torch.zeros(4 * width))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.words = nn.Linear(token_width, 2 * width, bias=False) if token_width else None
        self.out = nn.Linear(width, width, bias=False)
        self.mlp = nn.ModuleList(
            [nn.Linear(width, hidden, bias=False), nn.Linear(hidden, width, bias=False)]
        )

    def attend(self, qkv, tokens):
        b, h, w, _ = qkv.shape
        window = [window_side(self.window or n, n) for n in (h, w)]
        words = None if self.words is None else self.words(tokens)
        down, right = (n // 2 if self.moved and n < whole else 0 for n, whole in zip(window, (h, w)))
        if down == 0 and right == 0:
            return from_windows(attention(to_windows(qkv, *window), words, self.heads), *window, h, w)
        # The roll of Swin transformers, with a mask made of region numbers.
        rolled = to_windows(qkv.roll((-down, -right), (1, 2)), *window)
        came_round = torch.zeros(h, w, dtype=torch.long)
        came_round[h - down :] += 1
        came_round[:, w - right :] += 2
        regions = to_windows(came_round[None, :, :, None], *window)[:, :, 0]
        mask = regions[:, :, None] == regions[:, None, :]
        mask = mask.repeat(b, 1, 1)[:, None]
        return from_windows(attention(rolled, words, self.heads, mask), *window, h, w).roll((down, right), (1, 2))

    def modulated(self, x, scale, shift):
        y = torch.addcmul(shift, rms_norm(x), 1 + scale)
        return spatial_shift(y) if self.neighbours else y

    def forward(self, x, modulation, tokens):
        scale1, shift1, scale2, shift2 = (modulation + self.modulation)[:, None, None].chunk(4, dim=-1)
        x = x + self.out(self.attend(self.qkv(self.modulated(x, scale1, shift1)), tokens))
        return x + self.mlp[1](F.relu(self.mlp[0](self.modulated(x, scale2, shift2))).square())


def position_table(grid, width, neighbours):
    h, w = grid
    return nn.Parameter(torch.zeros(h, w, width) if neighbours else torch.zeros(h * w, width))


def in_rows(table, grid):
    """A table of positions as [h, w, width]; older networks keep it in Z-order, in squares that lie in rows."""
    if table.ndim == 3:
        return table
    h, w = grid
    side = math.gcd(h, w) & -math.gcd(h, w)
    ordered = torch.empty(h, w, table.shape[-1], dtype=table.dtype, device=table.device)
    for row in range(h):
        for column in range(w):
            y, x = row % side, column % side
            inside = sum(((y >> i & 1) << 2 * i + 1) + ((x >> i & 1) << 2 * i) for i in range(side.bit_length()))
            square = row // side * (w // side) + column // side
            ordered[row, column] = table[square * side * side + inside]
    return ordered


class Level(nn.Module):
    """What belongs to one level of the hourglass; `next_width` is that of the next coarser one, 0 at the waist."""

    def __init__(self, level, grid, neighbours, position, next_width, mlp_ratio, embedding_width, token_width):
        super().__init__()
        width, depth = level["width"], level["depth"]
        self.modulation = nn.Linear(embedding_width, 4 * width, bias=False)
        if position:
            self.position = position_table(grid, width, neighbours)

        def blocks(words, moved):
            window = level["window"] if next_width else None
            return nn.ModuleList(
                TransformerBlock(width, level["heads"], window, moved, neighbours, mlp_ratio, words)
                for _ in range(depth)
            )

        self.down = blocks(0 if next_width else token_width, False)
        if next_width:
            self.up = blocks(0, neighbours)
            self.merge = nn.Linear(4 * width, next_width, bias=False)
            self.split = nn.Linear(next_width, 4 * width, bias=False)


class Hourglass(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.patch, self.channels = config["patch_size"], config["channels"]
        self.grid = [side // self.patch for side in sides_of(config)]
        self.neighbours = config["mixing"] == "neighbours"
        embedding, levels = config["embedding"], config["levels"]
        features = self.channels * self.patch**2
        words = embedding["token_width"] if embedding["condition"]["kind"] == "text" else 0
        self.embedding = Embedding(**embedding)
        self.input = nn.Linear(features, levels[0]["width"], bias=False)
        self.position = position_table(self.grid, levels[0]["width"], self.neighbours)
        self.levels = nn.ModuleList(
            Level(
                level,
                [side >> i for side in self.grid],
                self.neighbours,
                i > 0,
                levels[i + 1]["width"] if i + 1 < len(levels) else 0,
                config["mlp_ratio"],
                embedding["width"],
                words,
            )
            for i, level in enumerate(levels)
        )
        width = levels[0]["width"]
        self.output = conv(width, features) if self.neighbours else nn.Linear(width, features)

    def forward(self, x, c_noise, **condition):
        embedding, tokens = self.embedding(c_noise, **condition)
        patches = F.pixel_unshuffle(x, self.patch).permute(0, 2, 3, 1)
        x = self.input(patches) + in_rows(self.position, self.grid)
        skips, modulations = [], []
        for level in self.levels:
            if skips:
                x = x + in_rows(level.position, x.shape[1:3])
            modulations.append(level.modulation(embedding))
            for block in level.down:
                x = block(x, modulations[-1], tokens)
            if level is not self.levels[-1]:
                skips.append(x)
                x = level.merge(self.merged(x))
        for level, skip, modulation in reversed(list(zip(self.levels, skips, modulations))):
            x = skip + self.split(level.split(rms_norm(x)))
            for block in level.up:
                x = block(x, modulation, None)
        x = rms_norm(x)
        if self.neighbours:
            out = self.output(x.permute(0, 3, 1, 2))
        else:
            out = self.output(x).permute(0, 3, 1, 2)
        return F.pixel_shuffle(out, self.patch)

    @staticmethod
    def merged(x):
        b, h, w, d = x.shape
        return x.view(b, h // 2, 2, w // 2, 2, d).transpose(2, 3).reshape(b, h // 2, w // 2, 4 * d)

    @staticmethod
    def split(x):
        b, h, w, d = x.shape
        return x.view(b, h, w, 2, 2, d // 4).transpose(2, 3).reshape(b, 2 * h, 2 * w, d // 4)


# -- unet --------------------------------------------------------------------------------------------------------------


def conv(width_in, width, kernel=3):
    return nn.Conv2d(width_in, width, kernel, padding=kernel // 2)


class Attention(nn.Module):
    def __init__(self, width, heads, groups, token_width):
        super().__init__()
        self.heads, self.groups = heads, groups
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.words = nn.Linear(token_width, 2 * width, bias=False) if token_width else None
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x, tokens):
        rows = F.group_norm(x, self.groups, eps=EPS).flatten(2).transpose(1, 2)
        words = None if self.words is None else self.words(tokens)
        mixed = self.out(attention(self.qkv(rows), words, self.heads))
        return x + mixed.transpose(1, 2).reshape(x.shape)


class ResidualBlock(nn.ModuleDict):
    """Two convolutions, the second of a normalised and modulated input; then attention, if the level has it."""

    def __init__(self, width_in, level, groups, embedding_width, token_width):
        width, heads = level["width"], level["attention"]
        super().__init__({"modulation": nn.Linear(embedding_width, 2 * width, bias=False)})
        self["0"] = conv(width_in, width)
        self["1"] = conv(width, width)
        if width_in != width:
            self["skip"] = conv(width_in, width, 1)
        if heads:
            self["attention"] = Attention(width, heads, groups, token_width)
        self.groups = groups

    def forward(self, x, embedding, tokens):
        scale, shift = self["modulation"](embedding)[:, :, None, None].chunk(2, dim=1)
        y = self["0"](F.silu(F.group_norm(x, self.groups, eps=EPS)))
        y = torch.addcmul(shift, F.group_norm(y, self.groups, eps=EPS), 1 + scale)
        y = self["1"](F.silu(y))
        y = y + (self["skip"](x) if "skip" in self else x)
        return self["attention"](y, tokens) if "attention" in self else y


class Unet(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.patch, self.groups = config["patch_size"], config["groups"]
        embedding, levels = config["embedding"], config["levels"]
        features = config["channels"] * self.patch**2
        words = embedding["token_width"] if embedding["condition"]["kind"] == "text" else 0
        self.embedding = Embedding(**embedding)
        width = levels[0]["width"]
        self.input = conv(features, width)
        skips = [width]

        def blocks(level, widths_in):
            return {
                str(i): ResidualBlock(w, level, self.groups, embedding["width"], words)
                for i, w in enumerate(widths_in)
            }

        self.down = nn.ModuleList()
        for i, level in enumerate(levels):
            merge = {"merge": conv(4 * width, level["width"], 1)} if i > 0 else {}
            width = level["width"]
            skips += [width] * (len(merge) + level["depth"])
            self.down.append(nn.ModuleDict(merge | blocks(level, [width] * level["depth"])))
        up = []
        for i, level in reversed(list(enumerate(levels))):
            widths_in = [(level["width"] if block else width) + skips.pop() for block in range(level["depth"] + 1)]
            width = levels[i - 1]["width"]
            split = {"split": conv(level["width"], width)} if i > 0 else {}
            up.append(nn.ModuleDict(blocks(level, widths_in) | split))
        self.up = nn.ModuleList(reversed(up))
        self.output = conv(levels[0]["width"], features)

    def forward(self, x, c_noise, **condition):
        embedding, tokens = self.embedding(c_noise, **condition)
        x = self.input(F.pixel_unshuffle(x, self.patch))
        skips = [x]
        for here in self.down:
            for name, module in here.items():
                x = module(F.pixel_unshuffle(x, 2)) if name == "merge" else module(x, embedding, tokens)
                skips.append(x)
        for here in reversed(self.up):
            for name, module in here.items():
                if name == "split":
                    x = module(F.interpolate(x, scale_factor=2, mode="nearest"))
                else:
                    x = module(torch.cat([x, skips.pop()], dim=1), embedding, tokens)
        x = F.silu(F.group_norm(x, self.groups, eps=EPS))
        return F.pixel_shuffle(self.output(x), self.patch)


# -- weights -----------------------------------------------------------------------------------------------------------


def build(config):
    return {"hourglass": Hourglass, "unet": Unet}[config["type"]](config)


def transposed(net):
    """Names of the parameters that onestroke stores the other way round: x @ weight, weight [from, to]."""
    return {f"{name}.weight" for name, module in net.named_modules() if isinstance(module, nn.Linear)}


def load_weights(net, tensors):
    """Loads onestroke's weights. Raises if a name is missing or unknown, or a shape is another."""
    turn = transposed(net)
    net.load_state_dict({name: w.T if name in turn else w for name, w in tensors.items()})


def onestroke_tensors(net, of=lambda parameter: parameter):
    """Parameters (or, with `of`, what belongs to them), named and laid out as in onestroke."""
    turn = transposed(net)
    return {name: of(p).T if name in turn else of(p) for name, p in net.named_parameters()}


# -- diffusion ---------------------------------------------------------------------------------------------------------


def denoise(net, config, x, sigma, **condition):
    """D(x; sigma): Karras et al. 2022, table 1; Song et al. 2023, appendix C, with the boundary."""
    sigma_data = config["sigma_data"]
    sigma = sigma[:, None, None, None]
    above = sigma - (config["sigma_min"] if config["boundary"] else 0)
    total = sigma**2 + sigma_data**2
    c_skip = sigma_data**2 / (above**2 + sigma_data**2)
    c_out = above * sigma_data / total.sqrt()
    c_in = total.rsqrt()
    return c_skip * x + c_out * net(c_in * x, sigma.flatten().log() / 4, **condition)


def diffusion_losses(net, config, x0, noise, t, **condition):
    """Denoising score matching, per picture [B]: Karras et al. 2022, eq. 2."""
    sigma_data = config["sigma_data"]
    x = torch.addcmul(x0, noise, t[:, None, None, None])
    error = denoise(net, config, x, t, **condition) - x0
    weight = (t**2 + sigma_data**2) / (t * sigma_data) ** 2
    return weight * error.square().mean(dim=(1, 2, 3))
