"""The methods' losses in PyTorch, as their authors' code has them, on fixed inputs: python formulas.py > formulas.json

Written from the papers and from what the authors' repositories do, in their own variables (the time of each paper, sums
or means as they are there), on a toy network that both sides have: F(x, c) = tanh(x A + c b + d) E, for pictures of two
pixels. float64 throughout.
"""

import json
import math

import torch
from torch.func import jvp

torch.set_default_dtype(torch.float64)
SIGMA_MIN, SIGMA_MAX, SIGMA_DATA, RHO = 1 / 64, 8.0, 0.5, 7
B, D = 4, 2

generator = torch.Generator().manual_seed(0)


def draw(*shape):
    # float32 numbers: the other side stores constants so
    return torch.randn(*shape, generator=generator).float().double()


NETS = {
    who: {"A": draw(D, 5), "b": draw(5), "d": draw(5), "E": draw(5, D) / 4, "e": draw(5)}
    for who in ("student", "target", "teacher")
}
x0, noise = draw(B, D) / 2, draw(B, D)
t = torch.tensor([0.25, 0.75, 2.0, 6.0])
r = torch.tensor([0.125, 0.5, 1.5, 5.0])
s = torch.tensor([0.0625, 0.25, 0.5, 2.0])


def F(who, x, c, jump=None):
    net = NETS[who]
    hidden = x @ net["A"] + c[:, None] * net["b"] + net["d"]
    if jump is not None:
        hidden = hidden + jump[:, None] * net["e"]
    return torch.tanh(hidden) @ net["E"]


def col(v):
    return v[:, None]


def edm(who, x, sigma, jump=None):
    """Karras et al. 2022, EDMPrecond.forward."""
    c_skip = SIGMA_DATA**2 / (sigma**2 + SIGMA_DATA**2)
    c_out = sigma * SIGMA_DATA / (sigma**2 + SIGMA_DATA**2).sqrt()
    c_in = 1 / (SIGMA_DATA**2 + sigma**2).sqrt()
    return col(c_skip) * x + col(c_out) * F(who, col(c_in) * x, sigma.log() / 4, jump)


def consistency(who, x, sigma):
    """openai/consistency_models, get_scalings_for_boundary_condition."""
    c_skip = SIGMA_DATA**2 / ((sigma - SIGMA_MIN) ** 2 + SIGMA_DATA**2)
    c_out = (sigma - SIGMA_MIN) * SIGMA_DATA / (sigma**2 + SIGMA_DATA**2) ** 0.5
    c_in = 1 / (sigma**2 + SIGMA_DATA**2) ** 0.5
    return col(c_skip) * x + col(c_out) * F(who, col(c_in) * x, sigma.log() / 4)


def heun(x, t, next_t):
    """openai/consistency_models, heun_solver with a teacher."""
    d = (x - edm("teacher", x, t)) / col(t)
    samples = x + d * col(next_t - t)
    next_d = (samples - edm("teacher", samples, next_t)) / col(next_t)
    return x + (d + next_d) * col((next_t - t) / 2)


def euler(x, t, next_t):
    return x + (x - edm("teacher", x, t)) / col(t) * col(next_t - t)


def cd():
    """openai/consistency_models, consistency_losses, loss_norm l2: mean_flat of squares, uniform weights."""
    x_t = x0 + noise * col(t)
    x_t2 = heun(x_t, t, r)
    return ((consistency("student", x_t, t) - consistency("target", x_t2, r)) ** 2).mean(1)


def ct():
    """The same without a teacher: euler_to with x0 gives the same noise at the lower level."""
    x_t = x0 + noise * col(t)
    x_t2 = x_t + (x_t - x0) / col(t) * col(r - t)
    return ((consistency("student", x_t, t) - consistency("target", x_t2, r)) ** 2).mean(1)


def ict():
    """Song & Dhariwal 2023, eq. 7 and 9: sum of squares, c = 0.00054 sqrt(D), weight 1/(t - r)."""
    c = 0.00054 * math.sqrt(D)
    a = consistency("student", x0 + noise * col(t), t)
    b = consistency("target", x0 + noise * col(r), r)
    return (((a - b) ** 2).sum(1) + c**2).sqrt().sub(c) / (t - r)


def ect(c=1e-4 * math.sqrt(D)):
    """locuslab/ect, ECMLoss: sqrt(sum + c^2) - c, times 1/(t - r)."""
    a = consistency("student", x0 + noise * col(t), t)
    b = consistency("target", x0 + noise * col(r), r)
    loss = ((a - b) ** 2).sum(-1)
    return ((loss + c**2).sqrt() - c) * (1 / (t - r))


def lcm(c=1e-3):
    """diffusers, train_lcm_distill: a DDIM step in variance-preserving variables, Huber as a mean over pixels."""
    alpha_t, sigma_t = 1 / (1 + t**2).sqrt(), t / (1 + t**2).sqrt()
    alpha_r, sigma_r = 1 / (1 + r**2).sqrt(), r / (1 + r**2).sqrt()
    z_t = col(alpha_t) * x0 + col(sigma_t) * noise
    pred_x0 = edm("teacher", z_t / col(alpha_t), t)
    pred_noise = (z_t - col(alpha_t) * pred_x0) / col(sigma_t)
    z_prev = col(alpha_r) * pred_x0 + col(sigma_r) * pred_noise
    model = consistency("student", z_t / col(alpha_t), t)
    goal = consistency("target", z_prev / col(alpha_r), r)
    return (((model - goal) ** 2 + c**2).sqrt() - c).mean(1)


def scm(with_teacher, r_warmup=0.75, c=0.1, prior=False):
    """Lu & Song 2024, algorithm 1 (TrigFlow; ||g|| as a root mean square, as in NVlabs/FastGen), u = 0."""
    weight = 1 / (SIGMA_DATA * (t / SIGMA_DATA).atan().tan()) if prior else 1
    angle = (t / SIGMA_DATA).atan()
    z = noise * SIGMA_DATA
    x_t = col(angle.cos()) * x0 + col(angle.sin()) * z

    def trig(who):
        # F of TrigFlow is the raw network's with the other sign, at c_noise = ln(sigma)/4
        return lambda x, a: -F(who, x, (SIGMA_DATA * a.tan()).log() / 4)

    if with_teacher:
        dxdt = SIGMA_DATA * trig("teacher")(x_t / SIGMA_DATA, angle)
    else:
        dxdt = col(angle.cos()) * z - col(angle.sin()) * x0
    cos_sin = angle.cos() * angle.sin()
    F_minus, F_grad = jvp(
        trig("target"), (x_t / SIGMA_DATA, angle), (col(cos_sin) * dxdt / SIGMA_DATA, cos_sin)
    )
    g = -(col(angle.cos()) ** 2) * (SIGMA_DATA * F_minus - dxdt)
    g = g - r_warmup * (col(cos_sin) * x_t + SIGMA_DATA * F_grad)
    g = g / (g.norm(dim=1, keepdim=True) / math.sqrt(D) + c)
    return weight * ((trig("student")(x_t / SIGMA_DATA, angle) - F_minus - g) ** 2).mean(1)


def meanflow(with_teacher, improved, p=0.5, eps=0.01):
    """Gsunshine/meanflow: u, dudt = jvp(u_fn, (z, r, t), (v, 0, 1)); loss a sum; adaptive weight 1/(loss + eps)^p."""
    tau, rho = t / (t + SIGMA_DATA), s / (s + SIGMA_DATA)
    e, x = noise, x0 / SIGMA_DATA
    z = col(1 - tau) * x + col(tau) * e

    def u(who):
        # average velocity from the denoiser of a jump from tau to rho
        def average(z, rho, tau):
            sigma, to = SIGMA_DATA * tau / (1 - tau), SIGMA_DATA * rho / (1 - rho)
            # a teacher is no flow map
            jump = None if who == "teacher" else 2 / math.pi * (to / SIGMA_DATA).atan()
            D_ = edm(who, SIGMA_DATA * z / col(1 - tau), sigma, jump)
            return (z - D_ / SIGMA_DATA) / col(tau)

        return average

    v = u("teacher")(z, tau, tau) if with_teacher else e - x
    along = u("target")(z, tau, tau) if improved else v
    _, dudt = jvp(u("target"), (z, rho, tau), (along, torch.zeros(B), torch.ones(B)))
    u_tgt = v - col(tau - rho) * dudt
    loss = ((u("student")(z, rho, tau) - u_tgt) ** 2).sum(1)
    return loss / (loss + eps) ** p


def soflow(with_teacher, huber=0.1):
    """zlab-princeton/SoFlow, get_consistency_loss, linear noising and Euler coefficients, with the norm that is ours."""
    time, mid, end = t / (1 + t), r / (1 + r), s / (1 + s)
    z_t = col(1 - time) * x0 + col(time) * noise
    if with_teacher:
        z_l = col(1 - mid) * heun(z_t / col(1 - time), t, r)
    else:
        z_l = z_t + (noise - x0) * col(mid - time)

    def solution(who, z, a, b):
        # a(t, s) = 1, b(t, s) = s - t, and the network's velocity from the denoiser of a jump
        D_ = edm(who, z / col(1 - a), a / (1 - a), 2 / math.pi * (b / (1 - b) / SIGMA_DATA).atan())
        return z + col(b - a) * (z - D_) / col(a)

    f_t, f_l = solution("student", z_t, time, end), solution("target", z_l, mid, end)
    # in units of the network's output
    c_out = t * SIGMA_DATA / (t**2 + SIGMA_DATA**2).sqrt()
    error = (f_t - f_l) / col((1 - end) * c_out * (1 - s / t))
    return ((error**2).mean(1) + huber**2).sqrt().sub(huber)


losses = {
    "cd": cd(),
    "ct": ct(),
    # sums over the D pixels there, means here
    "ict": ict() / math.sqrt(D),
    "ect": ect() / math.sqrt(D),
    "lcm": lcm(),
    "scd": scm(True),
    "scd with prior weighting": scm(True, prior=True),
    "sct": scm(False),
    "soflow of a teacher": soflow(True),
    "soflow of data": soflow(False),
    "meanflow of a teacher": meanflow(True, True),
    "meanflow of data": meanflow(False, True),
    "meanflow of data, first form": meanflow(False, False),
}
print(
    json.dumps(
        {
            "networks": {
                who: {name: value.flatten().tolist() for name, value in net.items()}
                for who, net in NETS.items()
            },
            "x0": x0.flatten().tolist(),
            "noise": noise.flatten().tolist(),
            **{"t": t.tolist(), "r": r.tolist(), "s": s.tolist()},
            "losses": {name: value.tolist() for name, value in losses.items()},
        },
        indent=1,
    )
)
