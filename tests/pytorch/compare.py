"""Compares a network of onestroke with the same one in PyTorch: python compare.py DIR

DIR holds, for every case, NAME.json (the denoiser's configuration) and NAME.safetensors (weights.*, inputs.*, and what
onestroke made of them: outputs.*, gradients.*). Prints, for PyTorch in float64 and in float32, how far onestroke's
results are away: {NAME: {precision: {"outputs": {name: error}, "gradients": {name: error}}}}. The error of an output
is its largest deviation relative to its largest value; that of a gradient is the norm of the deviation relative to
the gradient's norm.
"""

import json
import sys
from pathlib import Path

import torch
from networks import build, denoise, diffusion_losses, load_weights, onestroke_tensors
from safetensors.torch import load_file

CONDITION = ("condition", "guidance_scale", "negative", "c_jump")


def section(tensors, prefix, dtype):
    return {
        name.removeprefix(prefix): tensor.to(dtype)
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def compare(config, tensors, dtype):
    weights, inputs, outputs, gradients = (
        section(tensors, prefix, dtype) for prefix in ("weights.", "inputs.", "outputs.", "gradients.")
    )
    net = build(config["network"]).to(dtype)
    load_weights(net, weights)
    condition = {name: inputs[name] for name in CONDITION if name in inputs}
    x, noise, sigma = inputs["x0"], inputs["noise"], inputs["t"]
    losses = diffusion_losses(net, config, x, noise, sigma, **condition)
    losses.mean().backward()
    with torch.no_grad():
        expected = {
            "network": net(x, sigma.log() / 4, **condition),
            "edm": denoise(net, config | {"boundary": False}, x, sigma, **condition),
            "consistency": denoise(net, config | {"boundary": True}, x, sigma, **condition),
            "losses": losses,
        }
    expected_gradients = onestroke_tensors(net, lambda parameter: parameter.grad)
    assert expected.keys() == outputs.keys() and expected_gradients.keys() == gradients.keys()
    return {
        "outputs": {name: largest(outputs[name] - y) / largest(y) for name, y in expected.items()},
        "gradients": {
            name: ((gradients[name] - g).norm() / g.norm()).item() for name, g in expected_gradients.items()
        },
    }


def largest(x):
    return x.abs().max().item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    report = {}
    for path in sorted(Path(sys.argv[1]).glob("*.json")):
        config, tensors = json.loads(path.read_text()), load_file(path.with_suffix(".safetensors"))
        precisions = {"float64": torch.float64, "float32": torch.float32}
        report[path.stem] = {name: compare(config, tensors, dtype) for name, dtype in precisions.items()}
    print(json.dumps(report))
