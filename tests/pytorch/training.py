"""onestroke's training step in PyTorch: diffusion loss, gradient, clipping, Adam, moving average of the weights.

    python training.py DIR STEPS

trains as DIR/job.json and DIR/tensors.safetensors say (see `open_job`), prints the losses, and writes the moving
average to DIR/ema.safetensors.
"""

import json
import sys
from itertools import cycle
from pathlib import Path

import torch
from networks import build, diffusion_losses, load_weights, onestroke_tensors
from safetensors.torch import load_file, save_file


class Trainer:
    """Trains `net` by the mean of `losses(net, **batch)`. `options` are the optimiser's, `weights` onestroke's, by name."""

    def __init__(self, net, losses, options, weights, compiled=False):
        assert options["optimizer"] == "adam"
        self.net = net
        load_weights(self.net, weights)
        self.net.to(memory_format=torch.channels_last)  # what convolutions on a CPU like best
        self.parameters = list(self.net.parameters())
        self.ema = [p.detach().clone() for p in self.parameters]
        self.optimizer = torch.optim.Adam(
            self.parameters,
            betas=(options["beta1"], options["beta2"]),
            eps=options["eps"],
            weight_decay=options["weight_decay"],
            fused=True,
        )
        self.clip = options["clip"]

        def loss(**batch):
            return losses(self.net, **batch).mean()

        self.loss = torch.compile(loss) if compiled else loss

    def step(self, batch, learning_rate, ema_decay):
        """Trains on a batch, by the names of what `losses` takes; returns its loss."""
        self.optimizer.zero_grad()
        loss = self.loss(**batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.ema, self.parameters, 1 - ema_decay)
        return loss.item()


def denoiser(config):
    """The network of a denoiser's configuration, and its losses."""
    return build(config["network"]), lambda net, **batch: diffusion_losses(net, config, **batch)


def open_job(directory, compiled=False, made_of=denoiser):
    """A trainer, and its step as a function without arguments. `made_of(config)` is a network and its losses.

    job.json holds config, optimizer, learning_rate, ema_decay, threads; tensors.safetensors weights.NAME and the
    batches that the steps go through, over and over: batches.I.NAME.
    """
    job = json.loads((directory / "job.json").read_text())
    torch.set_num_threads(job["threads"])
    weights, batches = {}, {}
    for name, tensor in load_file(directory / "tensors.safetensors").items():
        section, rest = name.split(".", 1)
        if section == "weights":
            weights[rest] = tensor
        else:
            i, key = rest.split(".")
            batches.setdefault(int(i), {})[key] = tensor
    trainer = Trainer(*made_of(job["config"]), job["optimizer"], weights, compiled)
    turns = cycle([batches[i] for i in sorted(batches)])
    return trainer, lambda: trainer.step(next(turns), job["learning_rate"], job["ema_decay"])


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    trainer, step = open_job(directory)
    print(json.dumps([step() for _ in range(int(sys.argv[2]))]))
    average = dict(zip(trainer.parameters, trainer.ema))
    tensors = onestroke_tensors(trainer.net, lambda parameter: average[parameter])
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, directory / "ema.safetensors")
