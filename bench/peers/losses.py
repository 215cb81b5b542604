"""The PyTorch side of one configuration of bench/losses.mjs: the same work, written as one would write it for speed.

Speaks the protocol of bench/serve.mjs.
"""

import math
import os

import torch
import torch.nn.functional as F

from serve import serve

MARGIN = 0.1
TAU = 0.07
MOMENTUM = 0.5


def read_rows(name, configuration):
    """[B, columns], the rows that the other side wrote."""
    path = configuration["files"][name]
    data = bytearray(os.path.getsize(path))
    with open(path, "rb") as file:
        file.readinto(data)
    return torch.frombuffer(data, dtype=torch.float32).view(configuration["batch"], -1)


def similarities(anchors, keys):
    """Cosines over tau, [B, N]. The anchors are divided, not the B x N product."""
    return (F.normalize(anchors, dim=1) / TAU) @ F.normalize(keys, dim=1).T


def ntxent(student, teacher):
    return F.cross_entropy(similarities(student, teacher), torch.arange(len(student)))


def infonce(student, teacher):
    return F.cross_entropy(similarities(teacher, student), torch.arange(len(student)))


def symmetric(student, teacher):
    logits, own = similarities(student, teacher), torch.arange(len(student))
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2


def triplet(student, teacher):
    """The own row against the closest other one; mined without gradient, so that B x B distances are not differentiated."""
    u, v = F.normalize(student, dim=1), F.normalize(teacher, dim=1)
    with torch.no_grad():
        closest = torch.cdist(u, v).fill_diagonal_(math.inf).argmin(dim=1)
    return F.triplet_margin_loss(u, v, v[closest], margin=MARGIN)


def logistic(scores, own, ratio):
    """Noise-contrastive loss of scores [B, N] with log(Z * K / M) = ratio; own is where the positives are.

    softplus(-x) = softplus(x) - x, so that one pass serves positives and negatives.
    """
    logits = scores - ratio
    return (F.softplus(logits).sum() - logits[own].sum()) / len(scores)


class InBatchCrd:
    """Both directions of the CRD loss over the batch itself: K = B - 1 negatives, Z / M from a first, small batch."""

    def __init__(self, first_student, first_teacher):
        self.mean_score = similarities(first_student, first_teacher).exp().mean().item()

    def __call__(self, student, teacher):
        scores = similarities(student, teacher)
        ratio = math.log(self.mean_score * (len(scores) - 1))
        own = torch.arange(len(scores))
        # Anchored at the teacher the scores are the same ones transposed, and so is their loss.
        return 2 * logistic(scores, (own, own), ratio)


class BankStep:
    """One CRD step over two momentum banks: draw, loss, gradients of the student's rows and of both heads, update of the banks."""

    def __init__(self, configuration):
        width = configuration["width"]
        self.negatives, self.samples = configuration["negatives"], configuration["samples"]
        self.ids = torch.randperm(self.samples)[: configuration["batch"]]
        self.heads = torch.nn.ModuleList(torch.nn.Linear(width, width) for _ in range(2))
        bound = 1 / math.sqrt(width / 3)
        self.banks = [torch.empty(self.samples, width).uniform_(-bound, bound) for _ in range(2)]
        self.ratios = [None, None]

    def __call__(self, student, teacher):
        rows = [F.normalize(head(x), dim=1) for head, x in zip(self.heads, (student, teacher))]
        drawn = self.draw()
        loss = 0
        for side, anchors in enumerate(rows):
            scores = self.scores(anchors / TAU, self.banks[1 - side], drawn)
            if self.ratios[side] is None:
                self.ratios[side] = (scores.detach().exp().mean() * self.negatives).log().item()
            loss = loss + logistic(scores, (slice(None), 0), self.ratios[side])
        gradient, *_ = torch.autograd.grad(loss, (student, *self.heads.parameters()))
        for bank, new in zip(self.banks, rows):
            bank[self.ids] = F.normalize(MOMENTUM * bank[self.ids] + (1 - MOMENTUM) * new.detach(), dim=1)
        return loss, gradient


class AuthorsBankStep(BankStep):
    """Negatives of each anchor's own, as in the authors' crd/memory.py: B x (K + 1) bank rows are gathered, for each bank."""

    def draw(self):
        drawn = torch.randint(self.samples, (len(self.ids), self.negatives + 1))
        drawn[:, 0] = self.ids
        return drawn

    def scores(self, anchors, bank, drawn):
        gathered = bank.index_select(0, drawn.view(-1)).view(*drawn.shape, -1)
        return torch.bmm(gathered, anchors.unsqueeze(2)).squeeze(2)


class SharedBankStep(BankStep):
    """Negatives shared by the batch, as Limbeck draws them: K bank rows are gathered, and the products are matrix products."""

    def draw(self):
        return torch.randperm(self.samples)[: self.negatives]

    def scores(self, anchors, bank, drawn):
        own = (anchors * bank[self.ids]).sum(dim=1, keepdim=True)
        return torch.cat([own, anchors @ bank.index_select(0, drawn).T], dim=1)


LOSSES = {"ntxent": ntxent, "infonce": infonce, "symmetric": symmetric, "triplet": triplet}
BANK_STEPS = {"authors": AuthorsBankStep, "shared": SharedBankStep}


def prepare(configuration):
    """The step of a configuration: a function of nothing that returns loss and gradient."""
    torch.set_num_threads(configuration["threads"])
    torch.manual_seed(0)
    student, teacher = read_rows("student", configuration), read_rows("teacher", configuration)
    form = configuration["form"]
    if form == "matmul":
        return lambda: (torch.zeros(()), torch.matmul(student, teacher).sum(dim=1))
    first = configuration.get("firstRows")
    crd = InBatchCrd(student[:first], teacher[:first]) if form == "crd" else None
    student.requires_grad_()
    if form in BANK_STEPS:
        bank_step = BANK_STEPS[form](configuration)
        return lambda: bank_step(student, teacher)
    loss_of = crd or LOSSES[form]

    def step():
        loss = loss_of(student, teacher)
        (gradient,) = torch.autograd.grad(loss, student)
        return loss, gradient

    return step


if __name__ == "__main__":
    serve(prepare)
