"""
Golden values and gradients of the engine's operators, by PyTorch in float64. A case is a function of tensors; the loss that
is differentiated is the sum of its result times given weights. Every gradient is checked by torch.autograd.gradcheck before
it is written.

The name of a case says what the test builds. Numbers that are not differentiated (indices, pads, …) stand in both files.
"""

import torch
import torch.nn.functional as F

from common import significant, write

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(11)


def normal(*shape):
    """Few digits, so that the JSON holds exactly what torch computed with; none of them 0 or equal, so no kinks and ties."""
    while True:
        values = (torch.randn(*shape, generator=generator) * 1000).round() / 1000
        if len(values.unique()) == values.numel() and (values.abs() > 0.005).all():
            return values


def positive(*shape):
    return (torch.rand(*shape, generator=generator) * 3000 + 200).round() / 1000


index = lambda *values: torch.tensor(values)
scatter_indices = torch.tensor([[3, 0], [1, 2]])
repeated = torch.tensor([[0, 0], [2, 2]])
rows, columns = index(1, 0, 1), index(2, 0, 2)

CASES = [
    # entry by entry
    ("relu", [normal(3, 4)], F.relu),
    ("leakyRelu, slope 0.1", [normal(3, 4)], lambda x: F.leaky_relu(x, 0.1)),
    ("gelu", [normal(3, 4) * 3], F.gelu),
    ("sigmoid", [normal(3, 4) * 3], torch.sigmoid),
    # not F.hardsigmoid, whose float64 gradient is 1/6 rounded to float32
    ("hardSigmoid, slope 1/6", [normal(3, 4) * 3], lambda x: (x / 6 + 0.5).clamp(0, 1)),
    ("hardSwish", [normal(3, 4) * 3], F.hardswish),
    ("tanh", [normal(3, 4)], torch.tanh),
    ("softplus", [normal(3, 4) * 3], lambda x: F.softplus(x, threshold=1e9)),
    ("clip, -0.5 to 1", [normal(3, 4)], lambda x: x.clamp(-0.5, 1)),
    ("pow, exponent 3", [normal(3, 4)], lambda x: x**3),
    ("pow, broadcast", [positive(3, 4), normal(4)], torch.pow),
    ("reciprocal", [normal(3, 4)], torch.reciprocal),
    ("sin", [normal(3, 4)], torch.sin),
    ("cos", [normal(3, 4)], torch.cos),
    ("exp", [normal(3, 4)], torch.exp),
    ("log", [positive(3, 4)], torch.log),
    ("sqrt", [positive(3, 4)], torch.sqrt),
    ("abs", [normal(3, 4)], torch.abs),
    ("erf", [normal(3, 4)], torch.erf),
    ("add, broadcast", [normal(3, 1), normal(4)], torch.add),
    ("sub, broadcast", [normal(3, 1), normal(4)], torch.sub),
    ("mul, broadcast", [normal(3, 1), normal(4)], torch.mul),
    ("div, broadcast", [normal(3, 1), positive(4)], torch.div),
    ("maximum, broadcast", [normal(3, 4), normal(4)], torch.maximum),
    ("minimum, broadcast", [normal(3, 4), normal(4)], torch.minimum),
    ("where, first greater", [normal(3, 4), normal(4)], lambda a, b: torch.where(a > b, a * b, b)),
    # reductions
    ("sum, axis 1", [normal(2, 3, 2)], lambda x: x.sum(1)),
    ("mean, axes 0 and 2", [normal(2, 3, 2)], lambda x: x.mean((0, 2))),
    ("max, axis 1", [normal(3, 4)], lambda x: x.amax(1)),
    ("min, axis 0, kept", [normal(3, 4)], lambda x: x.amin(0, keepdim=True)),
    ("prod, axis 1", [normal(3, 4)], lambda x: x.prod(1)),
    ("logSumExp, axis 1", [normal(3, 4) * 3], lambda x: x.logsumexp(1)),
    ("l2Norm, axis -1", [normal(3, 4)], lambda x: x.norm(dim=-1)),
    ("softmax, axis 1", [normal(2, 3, 2)], lambda x: x.softmax(1)),
    ("logSoftmax, axis 0", [normal(3, 4)], lambda x: x.log_softmax(0)),
    # products
    ("matmul, stacks", [normal(2, 1, 2, 3), normal(3, 3, 2)], torch.matmul),
    ("einsum, bik,bjk,k->bij", [normal(2, 2, 3), normal(2, 3, 3), normal(3)], lambda *x: torch.einsum("bik,bjk,k->bij", *x)),
    # shapes
    ("transpose, 2 0 1", [normal(2, 3, 2)], lambda x: x.permute(2, 0, 1)),
    ("reshape, 4 3", [normal(2, 3, 2)], lambda x: x.reshape(4, 3)),
    ("concat, axis 1", [normal(2, 3), normal(2, 1)], lambda a, b: torch.cat([a, b, a], 1)),
    ("split, 1 3 2, first times last", [normal(2, 6)], lambda x: x.split([1, 3, 2], 1)[0] * x.split([1, 3, 2], 1)[2]),
    ("expand, 2 3 4", [normal(3, 1)], lambda x: x.expand(2, 3, 4)),
    ("slice, 1 to 6 by 2", [normal(2, 7)], lambda x: x[:, 1:6:2]),
    ("slice, turned round", [normal(2, 4)], lambda x: x.flip(1)),
    ("pad, 2 and 1 of 0.5", [normal(2, 3)], lambda x: F.pad(x, (2, 1), value=0.5)),
    ("pad, reflect", [normal(1, 2, 4)], lambda x: F.pad(x, (3, 2), mode="reflect")),
    ("pad, edge", [normal(1, 2, 3)], lambda x: F.pad(x, (2, 1), mode="replicate")),
    ("tile, 2 3", [normal(1, 2)], lambda x: x.tile(2, 3)),
    # indices
    ("gather, 2 0 2 of axis 1", [normal(2, 3, 2)], lambda x: x.index_select(1, index(2, 0, 2))),
    ("gatherElements, axis 0, repeated", [normal(3, 2)], lambda x: x.gather(0, repeated)),
    ("scatterElements, axis 1", [normal(2, 4), normal(2, 2)], lambda x, u: x.scatter(1, scatter_indices, u)),
    ("scatterElements, added, axis 0", [normal(3, 2), normal(2, 2)], lambda x, u: x.scatter_add(0, repeated, u)),
    ("gatherND", [normal(2, 3)], lambda x: x[rows, columns]),
    ("scatterND, added", [normal(2, 3), normal(3)], lambda x, u: x.index_put((rows, columns), u, accumulate=True)),
    # normalisation
    ("layerNormalization", [normal(3, 4), normal(4), normal(4)], lambda x, s, b: F.layer_norm(x, [4], s, b, 1e-5)),
    (
        "batchNormalization",
        [normal(3, 2, 2, 2), normal(2), normal(2)],
        lambda x, s, b: F.batch_norm(x, None, None, s, b, training=True, eps=1e-3),
    ),
    (
        "batchNormalizationInference",
        [normal(2, 2, 3), normal(2), normal(2), normal(2), positive(2)],
        lambda x, s, b, m, v: (x - m[:, None]) / (v[:, None] + 1e-5).sqrt() * s[:, None] + b[:, None],
    ),
    (
        "instanceNormalization",
        [normal(2, 2, 2, 3), normal(2), normal(2)],
        lambda x, s, b: F.instance_norm(x, weight=s, bias=b, eps=1e-3),
    ),
    (
        "groupNormalization, 2 groups",
        [normal(2, 4, 3), normal(4), normal(4)],
        lambda x, s, b: F.group_norm(x, 2, s, b, 1e-3),
    ),
    # convolutions
    ("conv, one axis", [normal(2, 2, 5), normal(3, 2, 3), normal(3)], lambda x, w, b: F.conv1d(x, w, b, padding=1)),
    (
        "conv, groups 2, stride 2 1, dilation 1 2, pads 1 0",
        [normal(1, 4, 5, 5), normal(4, 2, 3, 2), normal(4)],
        lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2),
    ),
    (
        "conv, depthwise, stride 2",
        [normal(2, 3, 4, 4), normal(3, 1, 3, 3)],
        lambda x, w: F.conv2d(x, w, stride=2, padding=1, groups=3),
    ),
    (
        "convTranspose, stride 2, pads 1, output pads 1",
        [normal(1, 3, 2, 3), normal(3, 2, 3, 3), normal(2)],
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1),
    ),
    (
        "convTranspose, groups 2, dilation 2",
        [normal(1, 4, 2, 2), normal(4, 1, 2, 2)],
        lambda x, w: F.conv_transpose2d(x, w, groups=2, dilation=2),
    ),
    # pools and sizes
    ("maxPool, 3, stride 2, pads 1", [normal(1, 2, 5, 5)], lambda x: F.max_pool2d(x, 3, 2, 1)),
    ("maxPool, 2, stride 2, rounded up", [normal(1, 2, 5, 5)], lambda x: F.max_pool2d(x, 2, 2, ceil_mode=True)),
    (
        "averagePool, 3, stride 2, pads 1",
        [normal(1, 2, 5, 5)],
        lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    ),
    (
        "averagePool, 3, stride 2, pads 1 that count, rounded up",
        [normal(1, 2, 4, 4)],
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=True),
    ),
    ("globalAveragePool", [normal(2, 2, 3, 2)], lambda x: F.adaptive_avg_pool2d(x, 1)),
    ("globalMaxPool", [normal(2, 2, 3, 2)], lambda x: F.adaptive_max_pool2d(x, 1)),
    ("resize, nearest, asymmetric, floor, 5 4", [normal(1, 1, 3, 2)], lambda x: F.interpolate(x, (5, 4))),
    ("resize, linear, 5 4", [normal(1, 1, 3, 2)], lambda x: F.interpolate(x, (5, 4), mode="bilinear")),
    (
        "resize, linear, corners aligned, 5 4",
        [normal(1, 1, 3, 2)],
        lambda x: F.interpolate(x, (5, 4), mode="bilinear", align_corners=True),
    ),
]


def stored(x):
    return {"shape": list(x.shape), "values": significant(x.flatten().tolist(), 14)}


cases = []
for name, inputs, function in CASES:
    # Multiplied inputs have binary noise in their last digits; the JSON must say what torch used.
    leaves = [torch.tensor(significant(x.tolist(), 14)).requires_grad_() for x in inputs]
    assert torch.autograd.gradcheck(function, leaves), name
    y = function(*leaves)
    weights = normal(*y.shape)
    gradients = torch.autograd.grad((y * weights).sum(), leaves)
    cases.append(
        {
            "name": name,
            "inputs": [stored(x.detach()) for x in leaves],
            "weights": weights.flatten().tolist(),
            "y": stored(y.detach()),
            "gradients": [stored(gradient)["values"] for gradient in gradients],
        }
    )

write("operators", ["torch", "numpy"], "float64 results of operators, and gradients of the sum of weights times result", {"cases": cases})
print(len(cases), "cases")
