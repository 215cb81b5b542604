"""
Two small models exported to ONNX by both of PyTorch's exporters, with their outputs and the gradients of the sum of weights
times output, by PyTorch in float64: a convolutional network with batch normalisation, and a transformer encoder with run-time
batch and length, whose exported graphs compute their shapes node by node.
"""

import base64
import io
import logging
import tempfile
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from common import significant, write

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
torch.manual_seed(5)


class Images(nn.Module):
    """Convolutions (plain, depthwise, strided), batch normalisation, a residual, pools, a classifier."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.mix = nn.Conv2d(4, 6, 1)
        self.head = nn.Linear(6, 5)

    def forward(self, image):
        x = F.hardswish(self.norm(self.stem(image)))
        x = F.max_pool2d(x + F.relu(self.depthwise(x)), 2)
        return self.head(F.adaptive_avg_pool2d(F.gelu(self.mix(x)), 1).flatten(1))


class Texts(nn.Module):
    """One layer of BERT: three embeddings, masked attention, feed-forward, mean over the tokens that are there."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 8)
        self.positions = nn.Embedding(16, 8)
        self.register_buffer("places", torch.arange(16)[None])
        self.query, self.key, self.value, self.out = (nn.Linear(8, 8) for _ in range(4))
        self.wide, self.narrow = nn.Linear(8, 12), nn.Linear(12, 8)
        self.first, self.second = nn.LayerNorm(8), nn.LayerNorm(8)

    def heads(self, x):
        return x.view(x.size(0), x.size(1), 2, 4).transpose(1, 2)

    def forward(self, ids, mask):
        x = self.words(ids) + self.positions(self.places[:, : ids.size(1)])
        q, k, v = (self.heads(part(x)) for part in (self.query, self.key, self.value))
        scores = q @ k.transpose(2, 3) / 2.0 + (1.0 - mask[:, None, None, :].to(x.dtype)) * -10000.0
        context = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.size(0), x.size(1), 8)
        x = self.first(x + self.out(context))
        x = self.second(x + self.narrow(F.gelu(self.wide(x))))
        weights = mask[:, :, None].to(x.dtype)
        return (x * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def settle(model):
    """Numbers with few digits, no two tensors equal (exporters store equal ones once), and statistics as after training."""
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if tensor.is_floating_point():
                values = torch.randn_like(tensor) * 0.5 + (1 if name in ("norm.weight", "first.weight", "second.weight") else 0)
                tensor.copy_(((values.abs() + 0.5 if name == "norm.running_var" else values) * 1000).round() / 1000)
    return model.eval()


def exported(model, inputs, names, axes, dynamo):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        options = {"input_names": names, "output_names": ["output"], "dynamo": dynamo}
        if dynamo:
            shapes = tuple({axis: torch.export.Dim(size) for axis, size in axes[name].items()} for name in names)
            options |= {"opset_version": 18, "dynamic_shapes": shapes, "external_data": False, "verbose": False}
        else:
            options |= {"opset_version": 17, "dynamic_axes": axes}
        torch.onnx.export(model, inputs, str(path), **options)
        # Where the exporter ran, and what it printed of the source, is of no use here.
        import onnx

        graph = onnx.load(path)
        for node in graph.graph.node:
            node.ClearField("doc_string")
            node.ClearField("metadata_props")
        for info in [*graph.graph.value_info, *graph.graph.input, *graph.graph.output, *graph.graph.initializer]:
            info.ClearField("metadata_props")
        graph.graph.ClearField("value_info")
        graph.graph.ClearField("metadata_props")
        graph.ClearField("metadata_props")
        buffer = io.BytesIO()
        onnx.save(graph, buffer)
        return buffer.getvalue()


def stored(tensor):
    dtype = "int64" if tensor.dtype == torch.int64 else "float32"
    values = tensor.flatten().tolist()
    return {"dtype": dtype, "shape": list(tensor.shape), "values": significant(values, 14)}


image = (torch.randn(2, 3, 9, 8) * 100).round() / 100
ids = torch.tensor([[1, 7, 3, 7, 2], [4, 19, 0, 5, 5], [6, 6, 6, 6, 6]])
mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]])
batch = {0: "batch"}
both = {0: "batch", 1: "length"}
cases = []
for name, model, inputs, axes in [
    ("images", settle(Images()), {"image": image}, {"image": batch}),
    ("texts", settle(Texts()), {"ids": ids, "mask": mask}, {"ids": both, "mask": both}),
]:
    names, values = list(inputs), tuple(inputs.values())
    files = {
        exporter: exported(model, values, names, axes, exporter == "torch.export") for exporter in ("TorchScript", "torch.export")
    }
    model = model.double()
    output = model(*(value.double() if value.is_floating_point() else value for value in values))
    weights = (torch.randn(output.shape, dtype=torch.float64) * 100).round() / 100
    (output * weights).sum().backward()
    # Exporters fold batch normalisation into the convolution before it: those weights are not in the file as they are here.
    folded = ("stem.", "norm.")
    gradients = {key: stored(p.grad) for key, p in model.named_parameters() if not key.startswith(folded)}
    for exporter, file in files.items():
        cases.append(
            {
                "name": f"{name}, {exporter}",
                "model": base64.b64encode(file).decode(),
                "inputs": {key: stored(value) for key, value in inputs.items()},
                "output": stored(output.detach()),
                "weights": weights.flatten().tolist(),
                "gradients": gradients,
            }
        )
        print(cases[-1]["name"], len(file), "bytes")

write(
    "onnx_models",
    ["torch", "onnx", "onnxscript", "numpy"],
    "exported models in base64, float64 outputs, and gradients of the sum of weights times output by parameters of that name",
    {"cases": cases},
)
