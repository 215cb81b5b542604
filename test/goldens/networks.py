"""
Golden networks: ResNet-8, WRN-10-1, MobileNetV2's blocks and a transformer of 2 layers, each a classifier and an embedding, in float64 by PyTorch. From initial
weights that both sides compute by formula: outputs and embeddings of a batch in training mode, the gradient of the loss by
every parameter (its norm and its product with another formula), and the loss at each of 20 steps of torch.optim.SGD with
momentum and weight decay on the weights alone; running statistics and inference after the last.

The convolutional networks are written here from the papers, in torch.nn; the transformer is torch.nn.TransformerEncoderLayer.
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from common import significant, write

STEPS, RATE, MOMENTUM, DECAY = 20, 0.01, 0.9, 5e-4
BATCH, CLASSES = 6, 3
torch.set_default_dtype(torch.float64)


def noise(*shape, seed):
    """Numbers between -sqrt(3) and sqrt(3), of variance 1, by a linear congruence: the same on the other side."""
    size = 1
    for n in shape:
        size *= n
    state, values = 9301 + 7919 * seed, []
    for _ in range(size + 8):
        state = (1664525 * state + 1013904223) % 2**32
        values.append(3**0.5 * (2 * state / 2**32 - 1))
    return torch.tensor(values[8:]).reshape(shape)


def single(x):
    """Rounded to what the other side stores: weights and inputs are float32 there, whatever computes with them."""
    return x.float().double()


def initialize(model):
    """Weights as noise of He's size, gains about 1, biases about 0; a seed for each parameter in order."""
    with torch.no_grad():
        for seed, (name, parameter) in enumerate(model.named_parameters()):
            values = noise(*parameter.shape, seed=seed)
            if parameter.ndim > 1:
                parameter.copy_(single(values * (2 / parameter[0].numel()) ** 0.5))
            else:
                parameter.copy_(single(0.1 * values + (1 if "norm" in name and name.endswith("weight") else 0)))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + (x if self.shortcut is None else self.shortcut_norm(self.shortcut(x))))


class ResNet8(nn.Module):
    """Width 1/4: 4, 8 and 16 channels."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, 1, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(4)
        self.blocks = nn.Sequential(Block(4, 4, 1), Block(4, 8, 2), Block(8, 16, 2))
        self.projection = nn.Linear(16, 5)
        self.classifier = nn.Linear(16, CLASSES)

    def forward(self, x):
        features = self.blocks(F.relu(self.norm1(self.conv1(x)))).mean((2, 3))
        return self.projection(features), self.classifier(features)


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = None if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        active = F.relu(self.norm1(x))
        y = self.conv2(F.relu(self.norm2(self.conv1(active))))
        return y + (x if self.shortcut is None else self.shortcut(active))


class WideResNet10(nn.Module):
    """WRN-10-1."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 16, 3, 1, 1, bias=False)
        self.blocks = nn.Sequential(WideBlock(16, 16, 1), WideBlock(16, 32, 2), WideBlock(32, 64, 2))
        self.norm = nn.BatchNorm2d(64)
        self.projection = nn.Linear(64, 5)
        self.classifier = nn.Linear(64, CLASSES)

    def forward(self, x):
        features = F.relu(self.norm(self.blocks(self.conv1(x)))).mean((2, 3))
        return self.projection(features), self.classifier(features)


class InvertedResidual(nn.Module):
    """As torchvision has it."""

    def __init__(self, inputs, expansion, outputs, stride):
        super().__init__()
        wide = inputs * expansion
        layers = [("conv1", nn.Conv2d(inputs, wide, 1, bias=False)), ("norm1", nn.BatchNorm2d(wide)), ("relu1", nn.ReLU6())]
        self.layers = nn.Sequential()
        for name, layer in [
            *(layers if expansion != 1 else []),
            ("conv2", nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False)),
            ("norm2", nn.BatchNorm2d(wide)),
            ("relu2", nn.ReLU6()),
            ("conv3", nn.Conv2d(wide, outputs, 1, bias=False)),
            ("norm3", nn.BatchNorm2d(outputs)),
        ]:
            self.layers.add_module(name, layer)
        self.same = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.same else self.layers(x)


class InvertedResiduals(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(
            InvertedResidual(2, 3, 2, 1), InvertedResidual(2, 1, 3, 1), InvertedResidual(3, 2, 4, 2)
        )
        self.projection = nn.Linear(4, 5)
        self.classifier = nn.Linear(4, CLASSES)

    def forward(self, x):
        features = self.blocks(x).mean((2, 3))
        return self.projection(features), self.classifier(features)


HIDDEN, HEADS, INTERMEDIATE, TOKENS, PLACES = 8, 2, 12, 7, 6
LENGTHS = [6, 2, 4, 3, 6, 5]


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(TOKENS, HIDDEN)
        self.places = nn.Embedding(PLACES, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, eps=1e-12)
        options = {"dropout": 0.0, "activation": "gelu", "layer_norm_eps": 1e-12, "batch_first": True}
        layer = lambda: nn.TransformerEncoderLayer(HIDDEN, HEADS, INTERMEDIATE, **options)
        self.layers = nn.ModuleList([layer(), layer()])
        self.projection = nn.Linear(HIDDEN, 5)
        self.classifier = nn.Linear(HIDDEN, CLASSES)

    def forward(self, batch):
        ids, mask = batch
        x = self.norm(self.words(ids) + self.places(torch.arange(ids.shape[1])))
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=mask == 0)
        pooled = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return self.projection(pooled), self.classifier(pooled)


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al. 2023, which torch has not."""

    def __init__(self, groups, lr):
        super().__init__(groups, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = (0.9 * m + 0.1 * p.grad).sign()
                p -= group["lr"] * (update + group["weight_decay"] * p)
                m.mul_(0.99).add_(p.grad, alpha=0.01)


# The options that the test gives, and the same optimizer here.
OTHERS = {
    "nesterov": (
        {"method": "sgd", "momentum": MOMENTUM, "nesterov": True, "learningRate": RATE},
        lambda groups: torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM, nesterov=True),
    ),
    "adamw": ({"method": "adamw", "learningRate": 0.01}, lambda groups: torch.optim.AdamW(groups, lr=0.01)),
    "lion": ({"method": "lion", "learningRate": 0.001}, lambda groups: Lion(groups, lr=0.001)),
}


def train(model, batch, targets, make=lambda groups: torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM)):
    """The loss before each of the steps, and what the first of them saw."""
    model.train()
    labels = torch.arange(BATCH) % CLASSES
    named = list(model.named_parameters())
    decayed = lambda n, p: p.ndim > 1 and "words" not in n and "places" not in n
    groups = [
        {"params": [p for n, p in named if decayed(n, p)], "weight_decay": DECAY},
        {"params": [p for n, p in named if not decayed(n, p)], "weight_decay": 0.0},
    ]
    optimizer = make(groups)
    losses, first = [], None
    for _ in range(STEPS):
        embeddings, logits = model(batch)
        # Both heads in one loss, so that every parameter has a gradient.
        loss = F.cross_entropy(logits, labels) + F.mse_loss(embeddings, targets)
        optimizer.zero_grad()
        loss.backward()
        if first is None:
            product = lambda p: (p.grad * noise(*p.shape, seed=202)).sum().item()
            gradients = {n: [p.grad.norm().item(), product(p)] for n, p in named}
            first = {"embeddings": embeddings.tolist(), "logits": logits.tolist(), "gradients": gradients}
        losses.append(loss.item())
        optimizer.step()
    return losses, first


def golden(name, model, batch):
    initialize(model)
    targets = single(noise(BATCH, 5, seed=203))
    # Where float32 and float64 part ways by themselves, a curve is no golden.
    floats = [x.float() if x.dtype == torch.float64 else x for x in (batch if isinstance(batch, tuple) else (batch,))]
    in_single, _ = train(copy.deepcopy(model).float(), tuple(floats) if len(floats) > 1 else floats[0], targets.float())
    curves = {}
    for other, (options, make) in OTHERS.items():
        again, _ = train(copy.deepcopy(model), batch, targets, make)
        lower, _ = train(copy.deepcopy(model).float(), tuple(floats) if len(floats) > 1 else floats[0], targets.float(), make)
        print(name, other, max(abs(a / b - 1) for a, b in zip(lower, again)))
        # An optimizer that divides by the gradient's size, or takes its sign, can go another way where that is all rounding.
        if max(abs(a / b - 1) for a, b in zip(lower, again)) < 2e-5:
            curves[other] = {"options": options, "losses": again}
    losses, first = train(model, batch, targets)
    assert max(abs(a / b - 1) for a, b in zip(in_single, losses)) < 1e-6, name
    model.eval()
    with torch.no_grad():
        embeddings, logits = model(batch)
    after = {"embeddings": embeddings.tolist(), "logits": logits.tolist()}
    buffers = {n: b.tolist() for n, b in model.named_buffers() if "running" in n}
    return significant({"name": name, "losses": losses, "curves": curves, "first": first, "after": after, "buffers": buffers}, 12)


images = single(noise(BATCH, 2, 7, 9, seed=201))
mask = torch.tensor([[1.0] * n + [0.0] * (max(LENGTHS) - n) for n in LENGTHS])
ids = (torch.arange(BATCH * max(LENGTHS)).reshape(BATCH, -1) * 5 % 11 % TOKENS) * mask.long()
cases = [
    golden("resnet-8", ResNet8(), images),
    golden("wide-resnet-10-1", WideResNet10(), images),
    golden("inverted residuals", InvertedResiduals(), images),
    golden("transformer", Transformer(), (ids, mask)),
]

write(
    "networks",
    ["torch", "numpy"],
    "networks in float64: outputs, gradients, 20 steps of SGD, inference afterwards",
    {"cases": cases},
    inputs={
        "steps": STEPS,
        "rate": RATE,
        "momentum": MOMENTUM,
        "decay": DECAY,
        "classes": CLASSES,
        "lengths": LENGTHS,
        "ids": ids.tolist(),
        "sizes": {"hidden": HIDDEN, "heads": HEADS, "intermediate": INTERMEDIATE, "tokens": TOKENS, "places": PLACES},
    },
)
