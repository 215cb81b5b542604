"""
Golden losses and gradients of the CRD objective (Tian, Krishnan & Isola, "Contrastive Representation Distillation",
ICLR 2020), in float64, by PyTorch's automatic differentiation: by the student's rows and by the weights of the heads.
Written straight from the paper: for an anchor g and a key m

  P(m) = exp(g . m / tau) / Z          h(m) = P(m) / (P(m) + N / M)
  L    = - log h(positive) - sum over the N negatives of log(1 - h(negative))

with Z = M * mean of exp(g . m / tau) over the first batch, a number from then on, and one such L for student anchors
over teacher keys and one for teacher anchors over student keys, added and averaged over the batch.

Who the keys are, for anchor i:
  batch    the other network's rows of the batch; the positive is the row of the same sample
  banks    the other network's memory bank; the positive is the bank row of the same sample
  teacher  student anchors: the teacher's rows of the batch and other rows of the teacher; teacher anchors: the batch
Without labels all others are negatives. 'class': others of the class are positives, and - log h is averaged over
them. 'instance': others of the class are left out. An anchor without negatives has loss 0.

Every gradient is checked by central differences before it is written, and values known by hand are asserted first.
"""

import math

import torch

from common import significant, write

torch.set_default_dtype(torch.float64)
B, M, STUDENT, TEACHER, HEADS = 5, 8, 3, 4, 3
STEP = 6e-6


def unit(x):
    return x / x.norm(dim=1, keepdim=True)


def compared(rows, heads, side):
    """A head's output, or the row itself, of norm 1."""
    if f"{side} head weight" in heads:
        rows = rows @ heads[f"{side} head weight"] + heads[f"{side} head bias"]
    return unit(rows)


def keys_of(i, own, others, labels, positives):
    """The positives and the negatives of anchor i; others are (row, class) pairs."""
    same = [row for row, label in others if labels is not None and label == labels[i]]
    negatives = [row for row, label in others if labels is None or label != labels[i]]
    return [own] + (same if positives == "class" else []), negatives


def anchored(side, student, teacher, options):
    """For each anchor of a side its row, its positives and its negatives."""
    labels, positives, bank = options["labels"], options["positives"], options["bank"]
    anchors, keys = (student, teacher) if side == "student" else (teacher, student)
    for i in range(B):
        in_batch = [(keys[j], labels and labels[j]) for j in range(B) if j != i]
        if bank == "banks":
            rows, own = options["banks"]["teacher" if side == "student" else "student"], options["samples"][i]
            others = [(rows[m], BANK_LABELS[m]) for m in range(M) if m != own]
            yield anchors[i], *keys_of(i, rows[own], others, labels, positives)
        else:
            more = options["extra"] if bank == "teacher" and side == "student" else []
            others = in_batch + [(row, APART_LABELS[m]) for m, row in enumerate(more)]
            yield anchors[i], *keys_of(i, keys[i], others, labels, positives)


def mean_score(side, student, teacher, options):
    """Z / M."""
    scores = [
        torch.exp(g @ m / options["temperature"])
        for g, positive, negative in anchored(side, student, teacher, options)
        for m in positive + negative
    ]
    return torch.stack(scores).mean().detach()


def crd(student, teacher, options, means):
    total = torch.zeros(())
    for side in ("student", "teacher"):
        Z = M * means[side]
        for g, positives, negatives in anchored(side, student, teacher, options):
            N = len(negatives)
            if N == 0:
                continue
            P = lambda m: torch.exp(g @ m / options["temperature"]) / Z
            h = lambda m: P(m) / (P(m) + N / M)
            total = total - torch.stack([torch.log(h(m)) for m in positives]).mean()
            rest = lambda m: (N / M) / (P(m) + N / M)  # 1 - h, without the cancellation
            total = total - torch.stack([torch.log(rest(m)) for m in negatives]).sum()
    return total / B


def loss_of(tensors, teacher, options, means=None):
    heads = {name: value for name, value in tensors.items() if name != "rows"}
    student, teacher = compared(tensors["rows"], heads, "student"), compared(teacher, heads, "teacher")
    if means is None:
        means = {side: mean_score(side, student, teacher, options) for side in ("student", "teacher")}
    return crd(student, teacher, options, means), means


def differentiate(tensors, teacher, options, means):
    leaves = {name: value.clone().requires_grad_() for name, value in tensors.items()}
    loss, means = loss_of(leaves, teacher, options, means)
    if loss.requires_grad:  # else no anchor has a negative
        loss.backward()
    worst = 0.0
    gradients = {}
    for name, leaf in leaves.items():
        gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        numeric = torch.zeros_like(leaf)
        for k in range(leaf.numel()):
            sides = []
            for sign in (1, -1):
                moved = {key: value.clone() for key, value in tensors.items()}
                moved[name].view(-1)[k] += sign * STEP
                sides.append(loss_of(moved, teacher, options, means)[0])
            numeric.view(-1)[k] = (sides[0] - sides[1]) / (2 * STEP)
        error = float((gradient - numeric).abs().max()) / max(1e-2, float(gradient.abs().max()))
        assert error < 1e-6, (name, error)
        worst = max(worst, error)
        gradients[name] = significant(gradient.tolist(), 12)
    result = {
        "loss": significant(float(loss.detach()), 15),
        "meanScores": {side: significant(float(value), 15) for side, value in means.items()},
        "gradients": gradients,
    }
    return result, worst


def check_values_by_hand():
    """n identical rows: every score is the mean score, so h = 1 / (1 + N) everywhere, N = n - 1."""
    plain = {"labels": None, "positives": None, "bank": None, "temperature": 0.07}
    same = unit(torch.ones(B, 2))
    loss, means = loss_of({"rows": same}, same, plain)
    expected = 2 * (math.log(B) + (B - 1) * math.log1p(1 / (B - 1)))
    assert abs(float(loss) - expected) < 1e-12, float(loss)
    assert abs(float(means["student"]) / math.exp(1 / 0.07) - 1) < 1e-12


LABELS = [0, 1, 0, 2, 1]
LATER_LABELS = [1, 1, 1, 1, 1]  # one class only: without a bank no anchor has a negative
APART_LABELS = [0, 2, 1, 3, 0, 2]
SAMPLES = {"first": [4, 0, 7, 3, 5], "later": [1, 6, 0, 5, 1]}  # one sample twice
BANK_LABELS = [1, 1, 2, 2, 0, 1, 1, 0]
check_values_by_hand()
generator = torch.Generator().manual_seed(11)
# Multiples of 1/1024, so that float32 holds them exactly.
random = lambda *shape: (torch.randn(*shape, generator=generator) * 1024).round() / 1024

batches = {
    name: {"narrow": random(B, STUDENT), "student": random(B, TEACHER), "teacher": random(B, TEACHER)}
    for name in ("first", "later")
}
extra = random(len(APART_LABELS), TEACHER)
# Bank rows are taken as they are, of norm near 1 only.
banks = {
    str(width): {side: (random(M, width) / width**0.5 * 1024).round() / 1024 for side in ("student", "teacher")}
    for width in (HEADS, TEACHER)
}
heads = {
    "none": {},
    "student": {"student head weight": random(STUDENT, TEACHER), "student head bias": random(TEACHER)},
    "both": {
        "student head weight": random(STUDENT, HEADS),
        "student head bias": random(HEADS),
        "teacher head weight": random(TEACHER, HEADS),
        "teacher head bias": random(HEADS),
    },
}

cases, worst = [], 0.0
for projection, own in heads.items():
    for bank in (None, "banks", "teacher"):
        if bank == "teacher" and projection == "both":
            continue  # rows of the teacher's own space have nothing to do with the heads'
        for positives in (None, "class", "instance"):
            for temperature in (0.07, 0.5):
                means = None
                for name in ("first", "later"):
                    labels = LABELS if name == "first" else LATER_LABELS
                    if bank == "banks" and name == "later":
                        labels = [BANK_LABELS[m] for m in SAMPLES["later"]]
                    options = {
                        "labels": labels if positives else None,
                        "positives": positives,
                        "temperature": temperature,
                        "bank": bank,
                        "banks": banks[str(HEADS if projection == "both" else TEACHER)],
                        "samples": SAMPLES[name],
                        "extra": unit(extra),
                    }
                    rows = batches[name]["student" if projection == "none" else "narrow"]
                    result, error = differentiate({"rows": rows, **own}, batches[name]["teacher"], options, means)
                    means = {side: torch.tensor(value) for side, value in result["meanScores"].items()}
                    worst = max(worst, error)
                    cases.append(
                        {
                            "projection": projection,
                            "bank": bank,
                            "positives": positives,
                            "temperature": temperature,
                            "batch": name,
                            "labels": options["labels"],
                            **result,
                        }
                    )

nested = lambda tensors: {name: value.tolist() for name, value in tensors.items()}
write(
    "crd",
    ["torch", "numpy"],
    "float64 losses of mode 'crd' at contrastiveWeight 1, Z/M of both sides, and gradients by the student's rows and by the "
    "heads' weights; each 'later' case has the Z of the 'first' one before it",
    {
        "batches": {name: nested(rows) for name, rows in batches.items()},
        "samples": SAMPLES,
        "banks": {width: nested(pair) for width, pair in banks.items()},
        "bankLabels": BANK_LABELS,
        "teacherBank": {"rows": extra.tolist(), "labels": APART_LABELS},
        "heads": {name: nested(own) for name, own in heads.items()},
        "cases": cases,
    },
)
print(len(cases), "cases; largest error by central differences", worst)
