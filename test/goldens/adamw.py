"""
Golden parameters after each of 20 steps of torch.optim.AdamW in float64, for gradients given as data: one problem with
weight decay on everything (torch's default grouping), one with decay on the matrix alone (the usual choice for biases).
"""

import torch

from common import significant, write

STEPS, DECAY, BETAS, EPSILON = 20, 0.01, (0.9, 0.999), 1e-8
# Warm up over 4 steps to 0.01, then down in a straight line, so that a step that ignores its rate is caught.
RATES = [0.01 * min((step + 1) / 4, (STEPS - step) / 16) for step in range(STEPS)]

generator = torch.Generator().manual_seed(20)


def random(*shape):
    """Seeded normal numbers with few digits, so that the JSON holds exactly what torch computed with."""
    return (torch.randn(*shape, generator=generator, dtype=torch.float64) * 1000).round() / 1000


weight, bias = random(3, 2), random(2)
# Gradients of very different sizes and an exact zero: where ε, bias correction and an empty second moment show.
gradients = [(random(3, 2) * 10.0 ** (step % 5 - 3), random(2) * 0.1) for step in range(STEPS)]
for step_weight, _ in gradients:
    step_weight[2, 1] = 0.0
gradients[0][1][0] = 1e-9

cases = []
for name, bias_decay in [("decay on everything", DECAY), ("decay on the matrix alone", 0.0)]:
    w, b = torch.nn.Parameter(weight.clone()), torch.nn.Parameter(bias.clone())
    groups = [{"params": [w], "weight_decay": DECAY}, {"params": [b], "weight_decay": bias_decay}]
    optimizer = torch.optim.AdamW(groups, lr=RATES[0], betas=BETAS, eps=EPSILON)
    steps = []
    for rate, (weight_gradient, bias_gradient) in zip(RATES, gradients):
        for group in optimizer.param_groups:
            group["lr"] = rate
        w.grad, b.grad = weight_gradient.clone(), bias_gradient.clone()
        optimizer.step()
        steps.append({"weight": w.tolist(), "bias": b.tolist()})
    moments = {
        key: {"first": optimizer.state[p]["exp_avg"].tolist(), "second": optimizer.state[p]["exp_avg_sq"].tolist()}
        for key, p in [("weight", w), ("bias", b)]
    }
    cases.append({"name": name, "biasDecay": bias_decay, "steps": significant(steps, 15), "moments": moments})

write(
    "adamw",
    ["torch", "numpy"],
    "torch.optim.AdamW, float64: weight (3 × 2) and bias (2) after every step, moments after the last",
    {"cases": cases},
    inputs={
        "betas": BETAS,
        "epsilon": EPSILON,
        "weightDecay": DECAY,
        "weight": weight.tolist(),
        "bias": bias.tolist(),
        "rates": RATES,
        "gradients": [{"weight": w.tolist(), "bias": b.tolist()} for w, b in gradients],
    },
)
