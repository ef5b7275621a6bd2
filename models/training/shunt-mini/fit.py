"""Trains token vectors and token weights: a text is the normalised sum of exp(weight) * vector over its
tokens, and the loss (symmetric InfoNCE) asks that a text finds its partner among the batch.

The start vectors know more words than the written groups do, so the steps are few and small: three
times the steps, or four times the rate, made new intents worse (README.md has the figures)."""
import time

import numpy
import torch
import torch.nn.functional as F

from batches import next_batch

BETAS = (0.9, 0.99)


class Table:
    """A parameter of which a step touches few rows. Adam on those rows only: less work than
    updating all, and rows that are not in the batch keep their place."""

    def __init__(self, values, rate):
        self.values, self.rate = torch.tensor(values), rate
        self.mean, self.square = torch.zeros_like(self.values), torch.zeros_like(self.values)
        self.steps = torch.zeros(len(values), *[1] * (self.values.dim() - 1))

    def rows(self, index):
        return self.values[index].requires_grad_()

    def update(self, index, gradient, factor):
        steps = self.steps[index] + 1
        mean = self.mean[index].mul_(BETAS[0]).add_(gradient, alpha=1 - BETAS[0])
        square = self.square[index].mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        self.steps[index], self.mean[index], self.square[index] = steps, mean, square
        step = mean / (1 - BETAS[0] ** steps) / ((square / (1 - BETAS[1] ** steps)).sqrt_() + 1e-8)
        self.values[index] -= self.rate * factor * step


class SharedTable:
    """Token vectors that share parts: the vector of a piece is its own plus that of its parts (`lookalikes.py`), which
    begin at nothing and learn from every piece that has them."""

    def __init__(self, values, parts, rate, parts_rate):
        self.own, self.parts = Table(values, rate), parts
        self.shared = Table(numpy.zeros((parts.shape[1], values.shape[1]), numpy.float32), rate * parts_rate)

    def rows(self, index):
        mine = self.parts[index.numpy()]
        self.columns = numpy.unique(mine.indices)
        self.mine = mine[:, self.columns]
        added = torch.from_numpy(self.mine @ self.shared.values[self.columns].numpy())
        return (self.own.values[index] + added).requires_grad_()

    def update(self, index, gradient, factor):
        self.own.update(index, gradient, factor)
        columns = torch.from_numpy(self.columns.astype(numpy.int64))
        self.shared.update(columns, torch.from_numpy(self.mine.T.tocsr() @ gradient.numpy()), factor)

    @property
    def values(self):
        return self.own.values + torch.from_numpy(self.parts @ self.shared.values.numpy())


def fit(texts, sources, wrapping, start, parts, settings, report):
    """start: vectors and log weights. Returns the mean of vectors and log weights over the last steps (settings["average"] of them): a
    better model than the last step, at no cost but memory."""
    random = numpy.random.RandomState(settings["seed"])
    torch.manual_seed(settings["seed"])
    vectors, log_weights = start
    table, weights = SharedTable(vectors, parts, settings["rate"], settings["parts_rate"]), Table(log_weights, settings["rate"] * 0.5)
    means, taken = None, 0
    began, losses = time.time(), []
    for step in range(settings["steps"]):
        batch = next_batch(sources, wrapping, random, settings)
        losses.append(_step(texts, batch, table, weights, step, settings))
        if step >= settings["steps"] * (1 - settings["average"]) and step % 10 == 9:
            taken += 1
            means = means or [torch.zeros(vectors.shape), torch.zeros(log_weights.shape)]
            for mean, now in zip(means, (table.values, weights.values)):
                mean += (now - mean) / taken
        if (step + 1) % settings["report_every"] == 0:
            report(step + 1, settings["steps"], float(numpy.mean(losses)), table.values, weights.values)
            losses = []
    return means[0].numpy(), means[1].numpy()


def _step(texts, batch, table, weights, step, settings):
    left, right, left_keys, right_keys, left_beside, right_beside = batch
    beside = [numpy.flatnonzero(side >= 0) for side in (left_beside, right_beside)]
    ids, lengths = texts.take(numpy.concatenate([left, right, left_beside[beside[0]], right_beside[beside[1]]]))
    # Only the rows that this batch touches enter the gradient.
    touched, ids = torch.unique(torch.from_numpy(ids), return_inverse=True)
    rows, row_weights = table.rows(touched), weights.rows(touched)
    sums = _sums(rows, row_weights, ids, torch.from_numpy(lengths), settings["drop"])
    count = len(left)
    owner = torch.from_numpy(numpy.concatenate([numpy.arange(2 * count), beside[0], beside[1] + count]))
    pooled = F.normalize(torch.zeros(2 * count, rows.shape[1]).index_add(0, owner, sums) + 1e-9, dim=-1)
    loss = _contrast(pooled[:count], pooled[count:], torch.from_numpy(left_keys), torch.from_numpy(right_keys), settings["temperature"])
    loss.backward()
    factor = min(1, (step + 1) / 50) * max(0.02, 1 - step / settings["steps"])
    table.update(touched, rows.grad, factor)
    weights.update(touched, row_weights.grad, factor)
    return loss.item()


def _sums(vectors, log_weights, ids, lengths, drop):
    offsets = torch.zeros(len(lengths), dtype=torch.long)
    offsets[1:] = lengths.cumsum(0)[:-1]
    # Dropped tokens: no text may hang on one word.
    weights = torch.exp(log_weights[ids]) * (torch.rand(len(ids)) >= drop)
    return F.embedding_bag(ids, vectors, offsets, mode="sum", per_sample_weights=weights)


def _contrast(left, right, left_keys, right_keys, temperature):
    logits = left @ right.T / temperature
    same = (left_keys[:, None] == left_keys[None]) | (right_keys[:, None] == right_keys[None])
    logits = logits.masked_fill(same.fill_diagonal_(False), -1e4)
    target = torch.arange(len(left))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
