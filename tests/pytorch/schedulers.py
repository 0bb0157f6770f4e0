"""What diffusers' schedulers make of fixed network outputs: python schedulers.py > schedulers.json

For each scheduler: its noise levels in its own words, what it gives to a network as input and time, and where one step
leads, all for the same sample and the same network output. float64 but for what the schedulers themselves round.
"""

import json

import torch
from diffusers import (
    DDIMScheduler,
    EDMEulerScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
)

STEPS = 5
BETAS = {
    "linear": {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02},
    # Stable Diffusion
    "scaled_linear": {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
}
generator = torch.Generator().manual_seed(0)
# x0 + noise of level 1, and what the network says
clean, noise, output = (torch.randn(4, generator=generator).float().double() for _ in range(3))


def ddim(prediction, betas):
    """Samples are variance preserving: sqrt(abar) x0 + sqrt(1 - abar) noise."""
    scheduler = DDIMScheduler(
        **betas, prediction_type=prediction, clip_sample=False, set_alpha_to_one=True, timestep_spacing="trailing"
    )
    scheduler.set_timesteps(STEPS)
    steps = []
    for t in scheduler.timesteps.tolist():
        before = t - scheduler.config.num_train_timesteps // STEPS
        abar = scheduler.alphas_cumprod[t].item()
        abar_next = scheduler.alphas_cumprod[before].item() if before >= 0 else 1.0
        sample = abar**0.5 * clean + (1 - abar) ** 0.5 * noise
        result = scheduler.step(output, t, sample, eta=0.0)
        steps.append(
            {
                "alpha_cumprod": abar,
                "next_alpha_cumprod": abar_next,
                "time": t,
                "input": sample.tolist(),
                "denoised": result.pred_original_sample.tolist(),
                "next": result.prev_sample.tolist(),
            }
        )
    return {"steps": steps}


def table(betas):
    """Every 37th of the timesteps' noise levels, and the last."""
    abar = DDIMScheduler(**betas).alphas_cumprod
    return (((1 - abar) / abar) ** 0.5)[[*range(0, 999, 37), 999]].tolist()


def exploding(scheduler):
    """Schedulers whose samples are x0 + sigma noise."""
    scheduler.set_timesteps(STEPS)
    sigmas = scheduler.sigmas.tolist()
    steps = []
    for i, t in enumerate(scheduler.timesteps):
        sample = clean + sigmas[i] * noise
        given = scheduler.scale_model_input(sample, t)
        result = scheduler.step(output, t, sample)
        steps.append(
            {
                "sigma": sigmas[i],
                "next_sigma": sigmas[i + 1],
                "time": t.item(),
                "sample": sample.tolist(),
                "input": given.tolist(),
                "denoised": result.pred_original_sample.tolist(),
                "next": result.prev_sample.tolist(),
            }
        )
    return {"steps": steps}


def euler(prediction, betas, **more):
    return exploding(
        EulerDiscreteScheduler(**betas, prediction_type=prediction, timestep_spacing="trailing", **more)
    )


def flow():
    """Samples are (1 - t) x0 + t noise; the network is told 1000 t."""
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(STEPS)
    times = scheduler.sigmas.tolist()
    steps = []
    for i, timestep in enumerate(scheduler.timesteps):
        t = times[i]
        sample = (1 - t) * clean + t * noise
        result = scheduler.step(output, timestep, sample)
        steps.append(
            {
                "t": t,
                "next_t": times[i + 1],
                "time": timestep.item(),
                "input": sample.tolist(),
                "next": result.prev_sample.tolist(),
            }
        )
    return {"steps": steps}


print(
    json.dumps(
        {
            "output": output.tolist(),
            "clean": clean.tolist(),
            "noise": noise.tolist(),
            "betas": BETAS,
            "tables": {name: table(betas) for name, betas in BETAS.items()},
            "ddim": {
                f"{prediction} {name}": ddim(prediction, betas)
                for prediction in ("epsilon", "v_prediction", "sample")
                for name, betas in BETAS.items()
            },
            "euler": {
                f"{prediction} {name}": euler(prediction, betas)
                for prediction in ("epsilon", "v_prediction", "sample")
                for name, betas in BETAS.items()
            },
            # timesteps are fractional then
            "karras": euler("epsilon", BETAS["scaled_linear"], use_karras_sigmas=True),
            "flow": flow(),
            "edm": exploding(EDMEulerScheduler(sigma_min=0.002, sigma_max=80.0, sigma_data=0.5, rho=7.0)),
        },
        indent=1,
    )
)
