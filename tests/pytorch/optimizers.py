"""Takes the steps of a test with torch.optim: python optimizers.py < JSON

Standard input: {"path": a safetensors file with parameters [P] and gradients [steps, P], "cases": {NAME: options}}.
Standard output: {NAME: {"parameters", "ema", "exp_avg", "exp_avg_sq": [P], "norms": [steps]}}.
"""

import json
import sys

import torch
from safetensors.torch import load_file

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "radam": torch.optim.RAdam}


def train(parameters, gradients, case):
    options = case["options"]
    parameter = torch.nn.Parameter(parameters.clone())
    ema = parameters.clone()
    optimizer = OPTIMIZERS[options["optimizer"]](
        [parameter],
        betas=(options["beta1"], options["beta2"]),
        eps=options["eps"],
        weight_decay=options["weight_decay"],
    )
    norms = []
    for gradient, learning_rate in zip(gradients, case["learning_rates"], strict=True):
        parameter.grad = gradient.clone()
        limit = options["clip"] or float("inf")
        norms.append(torch.nn.utils.clip_grad_norm_([parameter], limit).item())
        optimizer.param_groups[0]["lr"] = learning_rate
        optimizer.step()
        torch._foreach_lerp_([ema], [parameter.detach()], 1 - case["ema_decay"])
    state = optimizer.state[parameter]
    tensors = {"parameters": parameter.detach(), "ema": ema} | {k: state[k] for k in ("exp_avg", "exp_avg_sq")}
    return {name: tensor.tolist() for name, tensor in tensors.items()} | {"norms": norms}


if __name__ == "__main__":
    given = json.load(sys.stdin)
    tensors = load_file(given["path"])
    results = {name: train(**tensors, case=case) for name, case in given["cases"].items()}
    print(json.dumps(results))
