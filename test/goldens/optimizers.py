"""
Golden parameters after each of 20 steps of torch.optim.SGD (plain, momentum, Nesterov) and of Lion in float64, for gradients given
as data, with and without clipping by torch.nn.utils.clip_grad_norm_. Torch has no Lion: it is written here from algorithm 2 of
Chen et al. 2023. Decay is on the matrix alone, the usual choice for biases.
"""

import torch

from common import significant, write

STEPS, DECAY, CLIP = 20, 0.01, 0.5
# Warm up over 4 steps to 0.01, then down in a straight line, so that a step that ignores its rate is caught.
RATES = [0.01 * min((step + 1) / 4, (STEPS - step) / 16) for step in range(STEPS)]

generator = torch.Generator().manual_seed(21)


def random(*shape):
    """Seeded normal numbers with few digits, so that the JSON holds exactly what torch computed with."""
    return (torch.randn(*shape, generator=generator, dtype=torch.float64) * 1000).round() / 1000


class Lion(torch.optim.Optimizer):
    def __init__(self, groups, lr, betas):
        super().__init__(groups, {"lr": lr, "betas": betas})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = (beta1 * m + (1 - beta1) * p.grad).sign()
                p -= group["lr"] * (update + group["weight_decay"] * p)
                m.mul_(beta2).add_(p.grad, alpha=1 - beta2)


weight, bias = random(3, 2), random(2)
# Gradients of very different sizes, and an exact zero, whose sign is 0.
gradients = [(random(3, 2) * 10.0 ** (step % 5 - 3), random(2) * 0.1) for step in range(STEPS)]
for step_weight, _ in gradients:
    step_weight[2, 1] = 0.0

METHODS = {
    "sgd": ({"method": "sgd", "momentum": 0, "nesterov": False}, lambda g: torch.optim.SGD(g, lr=1)),
    "momentum": ({"method": "sgd", "momentum": 0.9, "nesterov": False}, lambda g: torch.optim.SGD(g, lr=1, momentum=0.9)),
    "nesterov": (
        {"method": "sgd", "momentum": 0.8, "nesterov": True},
        lambda g: torch.optim.SGD(g, lr=1, momentum=0.8, nesterov=True),
    ),
    "lion": ({"method": "lion", "beta1": 0.9, "beta2": 0.99}, lambda g: Lion(g, lr=1, betas=(0.9, 0.99))),
    "adamw": (
        {"method": "adamw", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        lambda g: torch.optim.AdamW(g, lr=1, betas=(0.9, 0.999), eps=1e-8),
    ),
}

cases = []
for name, (options, make) in METHODS.items():
    for clip in (None, CLIP):
        w, b = torch.nn.Parameter(weight.clone()), torch.nn.Parameter(bias.clone())
        optimizer = make([{"params": [w], "weight_decay": DECAY}, {"params": [b], "weight_decay": 0.0}])
        steps = []
        for rate, (weight_gradient, bias_gradient) in zip(RATES, gradients):
            for group in optimizer.param_groups:
                group["lr"] = rate
            w.grad, b.grad = weight_gradient.clone(), bias_gradient.clone()
            norm = torch.sqrt((w.grad**2).sum() + (b.grad**2).sum())
            if clip:
                torch.nn.utils.clip_grad_norm_([w, b], clip)
            optimizer.step()
            steps.append({"weight": w.tolist(), "bias": b.tolist(), "norm": float(norm)})
        cases.append({"name": name, "options": options, "clipNorm": clip, "steps": significant(steps, 12)})

write(
    "optimizers",
    ["torch", "numpy"],
    "SGD, Lion and AdamW, float64: weight (3 × 2) and bias (2) after every step, and the norm of the gradient before clipping",
    {"cases": cases},
    inputs={
        "weightDecay": DECAY,
        "weight": weight.tolist(),
        "bias": bias.tolist(),
        "rates": RATES,
        "gradients": [{"weight": w.tolist(), "bias": b.tolist()} for w, b in gradients],
    },
)
