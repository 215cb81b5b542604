"""The PyTorch side of one configuration of bench/steps.mjs: the same training step, written as one would write it for speed.

Speaks the protocol of bench/serve.mjs.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from serve import serve

BATCHES = 16


def conv(inputs, outputs, kernel, stride=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first, self.second = conv(inputs, outputs, 3, stride), conv(outputs, outputs, 3)
        self.norm1, self.norm2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.norm1(self.first(x)), inplace=True)
        y = self.norm2(self.second(y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


def resnet(depth, classes):
    blocks = (depth - 2) // 6
    layers = [conv(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    width = 16
    for stage in range(3):
        for block in range(blocks):
            outputs = 16 * 2**stage
            layers.append(Block(width, outputs, 2 if stage > 0 and block == 0 else 1))
            width = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


def resnet_step(c):
    layout = torch.channels_last if c["channelsLast"] else torch.contiguous_format
    model = resnet(c["depth"], c["classes"]).to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)
    batches = [
        (
            torch.rand(c["batch"], 3, c["size"], c["size"]).contiguous(memory_format=layout),
            torch.randint(c["classes"], (c["batch"],)),
        )
        for _ in range(BATCHES)
    ]

    def loss(k):
        images, labels = batches[k]
        return F.cross_entropy(model(images), labels)

    return model, optimizer, loss


def ids(batch, length, vocabulary):
    return 5 + ((vocabulary - 5) * torch.rand(batch, length) ** 3).long()


def contrast(embeddings, teacher, own):
    logits = (F.normalize(embeddings, dim=1) / 0.05) @ F.normalize(teacher, dim=1).T
    return F.cross_entropy(logits, own)


def text_batches(c, make):
    samples = max(c.get("bank", 0), c["batch"] * BATCHES)
    rows = torch.randn(samples, c["dimension"])
    return rows, [(make(), torch.randperm(samples)[: c["batch"]]) for _ in range(BATCHES)]


class Static(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.table = nn.EmbeddingBag(c["vocabulary"], c["width"], mode="sum", sparse=True)
        self.weights = nn.Parameter(torch.ones(c["vocabulary"], 1))
        self.projection = nn.Linear(c["width"], c["dimension"])


def static_step(c):
    """Token weights as per-sample weights of the bag; SparseAdam for the table, Adam for the rest."""
    model = Static(c)
    dense = torch.optim.Adam([model.weights, *model.projection.parameters()], 0.001)
    sparse = torch.optim.SparseAdam(model.table.parameters(), 0.001)

    def make():
        lengths = torch.randint(8, 17, (c["batch"],))
        flat = ids(1, int(lengths.sum()), c["vocabulary"])[0]
        offsets = F.pad(lengths.cumsum(0), (1, 0))[:-1]
        return flat, offsets, lengths

    rows, batches = text_batches(c, make)
    bank = F.normalize(rows, dim=1)

    class Both:
        def zero_grad(self):
            dense.zero_grad()
            sparse.zero_grad()

        def step(self):
            dense.step()
            sparse.step()

    def loss(k):
        (flat, offsets, lengths), samples = batches[k]
        weights = model.weights[flat, 0]
        mean = model.table(flat, offsets, per_sample_weights=weights) / lengths[:, None]
        embeddings = model.projection(mean)
        if c["bank"]:
            return F.cross_entropy((F.normalize(embeddings, dim=1) / 0.05) @ bank.T, samples)
        return contrast(embeddings, rows[samples], torch.arange(c["batch"]))

    return model, Both(), loss


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        h = c["hidden"]
        self.tokens, self.places = nn.Embedding(c["vocabulary"], h), nn.Embedding(512, h)
        self.norm = nn.LayerNorm(h, 1e-12)
        layer = nn.TransformerEncoderLayer(h, c["heads"], 4 * h, 0.0, "gelu", batch_first=True)
        self.layers = nn.TransformerEncoder(layer, c["layers"], enable_nested_tensor=False)

    def forward(self, x):
        hidden = self.norm(self.tokens(x) + self.places.weight[: x.shape[1]])
        return self.layers(hidden).mean(1)


def transformer_step(c):
    model = Encoder(c)
    optimizer = torch.optim.Adam(model.parameters(), 0.001)
    rows, batches = text_batches(c, lambda: ids(c["batch"], c["length"], c["vocabulary"]))

    def loss(k):
        tokens, samples = batches[k]
        return contrast(model(tokens), rows[samples], torch.arange(c["batch"]))

    return model, optimizer, loss


KINDS = {"resnet": resnet_step, "static": static_step, "transformer": transformer_step}


def prepare(c):
    torch.manual_seed(0)
    torch.set_num_threads(c["threads"])
    model, optimizer, loss = KINDS[c["kind"]](c)
    model.train()
    *_, last = model.parameters()
    count = 0

    def step():
        nonlocal count
        value = loss(count % BATCHES)
        count += 1
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value.detach(), last.grad

    return step


if __name__ == "__main__":
    serve(prepare)
