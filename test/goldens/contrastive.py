"""
Golden losses and gradients of the contrastive modes and of the output loss, in float64, by PyTorch's automatic
differentiation, written straight from the formulas (sections 1 to 3 of the design's mathematics): loops over anchors,
lists of candidates, no closed-form gradient. Every gradient is checked by central differences before it is written, and
the hand-derived values of section 5 are asserted first.

Who takes part, for anchor i:
  own      its own pair, always a candidate and always a positive
  others   the other rows of the batch
  bank     (student anchor only) rows of teacher embeddings; a bank row that is the same sample as a row of this
           batch is left out, because the batch already supplies it
A bank row of the direction of the anchor's own teacher row is the anchor's sample once more and takes no part, and
neither does another row of the batch that is such a bank row.
Without labels the own pair is the only positive. Labels with positives 'class': same-class candidates are positives
too, the loss is the mean of -log p over the positives, and p's denominator runs over own + others + bank. Labels with
positives 'instance': the own pair is the only positive, and same-class candidates leave the denominator.
"""

import math

import torch

from common import significant, write

torch.set_default_dtype(torch.float64)
B, D, M, C = 5, 4, 7, 3
STEP = 6e-6


def unit(x):
    """Rows divided by their L2 norm; a row with a norm below 1e-12 becomes zeros, with zero gradient."""
    scale = x.detach().abs().amax(1, keepdim=True)
    scaled = x / torch.where(scale > 0, scale, torch.ones_like(scale))
    squared = (scaled * scaled).sum(1, keepdim=True)
    zero = scale * squared.sqrt() < 1e-12
    norm = torch.where(zero, torch.ones_like(squared), squared).sqrt()
    return torch.where(zero, torch.zeros_like(x), scaled / norm)


def anchored(anchors, keys, temperature, labels=None, positives=None, bank=None, bank_labels=None, in_bank=None):
    """Mean over anchors of the mean over positives of -log softmax; teacher anchors with the arguments swapped."""
    u, v = unit(anchors), unit(keys)
    bank_rows = [] if bank is None else [m for m in range(len(bank)) if m not in (in_bank or [])]
    w = None if bank is None else unit(bank)
    repeats = lambda row, i: bank is not None and bool((row == v[i]).all()) and bool(v[i].any())
    total = 0.0
    for i in range(len(u)):
        logits, same = [u[i] @ v[i] / temperature], [True]
        for j in range(len(v)):
            if j != i and not (in_bank and repeats(v[j], i)):
                logits.append(u[i] @ v[j] / temperature)
                same.append(labels is not None and labels[j] == labels[i])
        for m in bank_rows:
            if repeats(w[m], i):
                continue
            logits.append(u[i] @ w[m] / temperature)
            same.append(labels is not None and bank_labels[m] == labels[i])
        if labels is None or positives == "instance":
            # the own pair first; candidates of its class (none without labels) take no part
            logits = logits[:1] + [x for x, s in zip(logits[1:], same[1:]) if not s]
            chosen = [0]
        else:
            chosen = [k for k, s in enumerate(same) if s]
        log_p = torch.log_softmax(torch.stack(logits), 0)
        total = total - log_p[chosen].mean()
    return total / len(u)


def contrastive(student, teacher, mode, symmetric=False, bank=None, bank_labels=None, in_bank=None, **options):
    """NT-Xent: student anchors; InfoNCE: teacher anchors over the batch; symmetric: the average of the two."""
    by_student = lambda: anchored(student, teacher, bank=bank, bank_labels=bank_labels, in_bank=in_bank, **options)
    by_teacher = lambda: anchored(teacher, student, **options)
    if symmetric:
        return (by_student() + by_teacher()) / 2
    return {"ntxent": by_student, "infonce": by_teacher}[mode]()


def output_loss(student, teacher, temperature, alpha, weight, labels=None):
    """(1 - w) * mean over rows of [alpha * hard + (1 - alpha) * soft]; without labels only soft."""
    log_p = torch.log_softmax(student / temperature, 1)
    log_q = torch.log_softmax(teacher / temperature, 1)
    rows = temperature**2 * (log_q.exp() * (log_q - log_p)).sum(1)
    if labels is not None:
        hard = -(labels * torch.log_softmax(student, 1)).sum(1)
        rows = alpha * hard + (1 - alpha) * rows
    return (1 - weight) * rows.mean()


def differentiate(loss_of, student):
    """Loss and gradient by student, compared with central differences except in zero rows, where the loss jumps."""
    leaf = student.clone().requires_grad_()
    loss = loss_of(leaf)
    loss.backward()
    loss, gradient = loss.detach(), leaf.grad
    assert torch.isfinite(loss) and torch.isfinite(gradient).all()
    numeric = torch.zeros_like(student)
    for i in range(student.shape[0]):
        if student[i].abs().max() == 0:
            assert (gradient[i] == 0).all(), "a zero row has gradient zero by definition"
            continue
        for j in range(student.shape[1]):
            step = STEP * max(1.0, abs(float(student[i, j])))
            up, down = student.clone(), student.clone()
            up[i, j] += step
            down[i, j] -= step
            with torch.no_grad():
                numeric[i, j] = (loss_of(up) - loss_of(down)) / (2 * step)
    scale = max(float(gradient.abs().max()), 1e-3)
    error = float((gradient - numeric).abs().max()) / scale
    assert error < 1e-6, error
    return {"loss": significant(float(loss), 15), "gradient": significant(gradient.tolist(), 12)}, error


def check_hand_derived_values():
    """Section 5 of the mathematics, as far as it concerns these losses."""

    def near(actual, expected, tolerance=6e-10):
        assert abs(float(actual) - expected) <= tolerance, f"expected {expected}, got {float(actual)}"

    s = torch.tensor([[1, 0], [0.6, 0.8], [-1, 2]])
    t = torch.tensor([[1.0, 1], [0, 2], [-3, 1]])
    for tau, expected in [(0.07, 1.840206497), (0.5, 0.753021766), (1, 0.836897289)]:
        near(contrastive(s, t, "ntxent", temperature=tau), expected)
    for tau, expected in [(0.07, 1.879264784), (0.5, 0.733874250), (1, 0.824550625)]:
        near(contrastive(s, t, "infonce", temperature=tau), expected)
    leaf = s.clone().requires_grad_()
    contrastive(leaf, t, "ntxent", temperature=0.5).backward()
    expected = [[0, 0.0296746248], [0.2172558983, -0.1629419237], [0.2231278074, 0.1115639037]]
    for row, expected_row in zip(leaf.grad, expected):
        for a, b in zip(row, expected_row):
            near(a, b, 6e-11)
    for n in (2, 5):
        same = torch.tensor([[0.6, 0.8]]).repeat(n, 1)
        for tau in (0.01, 0.07, 1):
            near(contrastive(same, same, "ntxent", temperature=tau), math.log(n), 1e-12)
    for tau in (0.07, 1):
        near(contrastive(torch.eye(2), torch.eye(2), "ntxent", temperature=tau), math.log1p(math.exp(-1 / tau)), 1e-12)
    near(contrastive(torch.eye(2), torch.eye(2), "ntxent", temperature=1), 0.3132616875, 6e-11)
    opposite = torch.tensor([[1.0, 0], [1, 0]])
    for tau in (0.001, 0.07, 1):
        near(contrastive(opposite, -opposite, "ntxent", temperature=tau), math.log(2), 1e-12)
    pair = lambda a, b: (torch.tensor([a], dtype=torch.float64), torch.tensor([b], dtype=torch.float64))
    near(output_loss(*pair([2, 1], [1, 2]), 1, 0.2, 0), 0.462117, 6e-7)
    near(output_loss(*pair([2, 0], [0, 0]), 1, 1, 0, torch.tensor([[1.0, 0]])), 0.126928, 6e-7)
    logits, target = pair([2, 0], [0, 2])
    logits.requires_grad_()
    output_loss(logits, target, 1, 0.2, 0).backward()
    near(logits.grad[0, 0], 0.761594, 6e-7)
    # logits [2, -2] against [-2, 2] at T = 0.07: the divergence itself, without T², is 4 / 0.07
    near(output_loss(*pair([2, -2], [-2, 2]), 0.07, 0, 0) / 0.07**2, 57.14, 5e-3)


check_hand_derived_values()
generator = torch.Generator().manual_seed(7)
random = lambda *shape: (torch.randn(*shape, generator=generator) * 1000).round() / 1000

# Embeddings. 'generic': nothing special. 'degenerate': a zero student row, a zero teacher row, duplicate rows, rows of
# very different length, a zero bank row and duplicate bank rows.
sets = {
    name: {"student": random(B, D), "teacher": random(B, D), "bank": random(M, D)} for name in ("generic", "degenerate")
}
degenerate = sets["degenerate"]
degenerate["student"][2] = 0
degenerate["student"][4] = degenerate["student"][1]
degenerate["student"][3] *= 1000
degenerate["teacher"][4] = degenerate["teacher"][1]
degenerate["teacher"][0] = 0
degenerate["teacher"][2] *= 0.001
degenerate["bank"][5] = 0
degenerate["bank"][6] = degenerate["bank"][3]

IN_BANK = [3, 0, 6, 1, 4]  # which bank row is batch row i, in the case where the batch is part of the bank
LABELS = [0, 1, 0, 2, 1]
LABELS_APART = [0, 2, 1, 3, 0, 2, 2]
LABELS_MEMBER = [LABELS[IN_BANK.index(m)] if m in IN_BANK else label for m, label in enumerate([9, 9, 2, 9, 9, 0, 9])]
for rows in sets.values():
    rows["memberBank"] = rows["bank"].clone()
    rows["memberBank"][IN_BANK] = rows["teacher"]

labelling = [
    ("no labels", {}),
    ("class", {"labels": LABELS, "positives": "class"}),
    ("instance", {"labels": LABELS, "positives": "instance"}),
]
cases, worst = [], 0.0
for set_name, rows in sets.items():
    for bank in (None, "apart", "member"):
        for mode, symmetric in [("ntxent", False), ("infonce", False), ("ntxent", True)]:
            if bank and mode == "infonce":
                continue  # a bank of teacher rows has nothing for a teacher anchor
            for label_name, label_options in labelling:
                for temperature in (0.05, 0.07, 0.5, 1.0):
                    options = {"mode": mode, "symmetric": symmetric, "temperature": temperature, **label_options}
                    if bank:
                        options["bank"] = rows["memberBank" if bank == "member" else "bank"]
                        options["in_bank"] = IN_BANK if bank == "member" else []
                        options["bank_labels"] = LABELS_MEMBER if bank == "member" else LABELS_APART
                    result, error = differentiate(lambda s: contrastive(s, rows["teacher"], **options), rows["student"])
                    worst = max(worst, error)
                    cases.append(
                        {
                            "embeddings": set_name,
                            "mode": mode,
                            "symmetric": symmetric,
                            "temperature": temperature,
                            "positives": None if label_name == "no labels" else label_name,
                            "bank": bank,
                            **result,
                        }
                    )

# The output loss. Row 3: student and teacher agree; row 4: far apart, so that a clamped logarithm would show.
logits = {"student": random(B, C) * 2, "teacher": random(B, C) * 2}
logits["teacher"][3] = logits["student"][3]
logits["student"][4], logits["teacher"][4] = torch.tensor([8.0, -8, 0]), torch.tensor([-8.0, 8, 0])
one_hot = torch.eye(C)[[0, 2, 1, 1, 0]]
soft = torch.tensor([[0.5, 0.25, 0.25], [0, 0.125, 0.875], [0.25, 0.5, 0.25], [1, 0, 0], [0.375, 0.375, 0.25]])
output_cases = []
for label_name, labels in [(None, None), ("oneHot", one_hot), ("soft", soft)]:
    for temperature in (0.07, 1.0, 4.0):
        for alpha in (0.0, 0.2, 1.0):
            for weight in (0.0, 0.8):
                if labels is None and alpha != 0.2:
                    continue  # without labels alpha plays no part
                result, error = differentiate(
                    lambda s: output_loss(s, logits["teacher"], temperature, alpha, weight, labels), logits["student"]
                )
                worst = max(worst, error)
                output_cases.append(
                    {
                        "labels": label_name,
                        "outputTemperature": temperature,
                        "alpha": alpha,
                        "contrastiveWeight": weight,
                        **result,
                    }
                )

write(
    "contrastive",
    ["torch", "numpy"],
    "float64 losses and gradients by the student's rows; contrastive values at contrastiveWeight 1, output values with "
    "the weight (1 - w) inside",
    {
        "embeddings": {name: {key: rows.tolist() for key, rows in value.items()} for name, value in sets.items()},
        "labels": {
            "batch": LABELS,
            "bank": LABELS_APART,
            "memberBank": LABELS_MEMBER,
            "batchRowsInMemberBank": IN_BANK,
        },
        "contrastive": cases,
        "logits": {key: rows.tolist() for key, rows in logits.items()},
        "targets": {"oneHot": one_hot.tolist(), "soft": soft.tolist()},
        "output": output_cases,
    },
)
print(len(cases), "contrastive and", len(output_cases), "output cases; largest error by central differences", worst)
