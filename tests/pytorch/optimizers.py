"""Takes the steps of a test with torch.optim: python optimizers.py < JSON

Standard input: {"path": a safetensors file with parameters [P] and gradients [steps, P], "cases": {NAME: options}, "muon":
{"shapes": of the matrices that the parameters begin with, "learning_rates", "weight_decay"}}.
Standard output: {"cases": {NAME: {"parameters", "ema", "exp_avg", "exp_avg_sq": [P], "norms": [steps]}}, "muon": parameters}.
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


def train_muon(parameters, gradients, shapes, learning_rates, weight_decay):
    sizes = [rows * columns for rows, columns in shapes]

    def matrices(flat):
        pieces = flat[: sum(sizes)].split(sizes)
        return [piece.reshape(shape).clone() for piece, shape in zip(pieces, shapes, strict=True)]

    trained = [torch.nn.Parameter(matrix) for matrix in matrices(parameters)]
    optimizer = torch.optim.Muon(trained, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
    for gradient, learning_rate in zip(gradients, learning_rates, strict=True):
        for parameter, grad in zip(trained, matrices(gradient), strict=True):
            parameter.grad = grad
        optimizer.param_groups[0]["lr"] = learning_rate
        optimizer.step()
    return torch.cat([parameter.detach().flatten() for parameter in trained]).tolist()


if __name__ == "__main__":
    given = json.load(sys.stdin)
    tensors = load_file(given["path"])
    results = {name: train(**tensors, case=case) for name, case in given["cases"].items()}
    print(json.dumps({"cases": results, "muon": train_muon(**tensors, **given["muon"])}))
