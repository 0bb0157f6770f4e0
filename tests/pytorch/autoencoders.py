"""Random autoencoders of diffusers, saved as folders, and what they make of pictures and latents.

Standard input: {"directory": …, "cases": [{"name", "class_name", "config", "dtype", "variant", "former_names", "pipeline"}]}. Standard
output, by case: `pictures` [2, C, 6f, 4f] in [-1, 1] and their `encoded` latents; `latents` [2, c, 6, 4] and the pictures `decoded` from
them. Latents are as a denoiser gets them from diffusers' pipelines, scaled to deviation 1.
"""

import json
import os
import sys

import diffusers
import torch
from safetensors.torch import load_file, save_file

FORMER = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def rename(path):
    tensors = load_file(path)
    for name, former in FORMER.items():
        tensors = {key.replace(f".{name}.", f".{former}."): value for key, value in tensors.items()}
    save_file(tensors, path, metadata={"format": "pt"})


def scales(config):
    """Mean and deviation, as the pipelines of Stable Diffusion XL and FLUX read them."""
    if getattr(config, "latents_mean", None) is not None:
        return [torch.tensor(values).view(1, -1, 1, 1) for values in (config.latents_mean, config.latents_std)]
    return config.shift_factor or 0, 1 / config.scaling_factor


def run(case, directory):
    torch.manual_seed(1)
    model = getattr(diffusers, case["class_name"])(**case["config"]).eval()
    for parameter in model.parameters():
        parameter.data += (0.2 if parameter.ndim == 1 else 0.02) * torch.randn(parameter.shape)
    # What is compared has the rounded weights, but computes in float32.
    model = model.to(getattr(torch, case.get("dtype", "float32")))
    folder = os.path.join(directory, case["name"], "vae" if case.get("pipeline") else "")
    model.save_pretrained(folder, variant=case.get("variant"))
    if case.get("former_names"):
        rename(os.path.join(folder, "diffusion_pytorch_model.safetensors"))
    model = model.float()
    mean, std = scales(model.config)
    levels = len(case["config"].get("block_out_channels", case["config"].get("num_encoder_blocks")))
    side = 2 ** (levels - 1)
    pictures = 2 * torch.rand(2, model.config.in_channels, 6 * side, 4 * side) - 1
    latents = torch.randn(2, model.config.latent_channels, 6, 4)
    with torch.no_grad():
        encoded = model.encode(pictures)
        raw = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latents
        decoded = model.decode(latents * std + mean).sample
    found = {"pictures": pictures, "encoded": (raw - mean) / std, "latents": latents, "decoded": decoded}
    return {"side": side, **{name: tensor.flatten().tolist() for name, tensor in found.items()}}


plan = json.load(sys.stdin)
print(json.dumps({case["name"]: run(case, plan["directory"]) for case in plan["cases"]}))
