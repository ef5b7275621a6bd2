"""Development figures, from rows that no reported test uses: few-shot centroids on CLINC150 (examples
from train, measured on val) and SNIPS (same), a fixed part of Auto-J, STS-B train (never trained on),
and own groups when some were held back. `report` adds STS-B validation for the card."""
import gzip
import json
import os

import numpy
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

import graph

SEEDS = 3


class Evaluation:
    """embed: list of texts -> unit vectors [n, d]."""

    def __init__(self, data, held_back=()):
        self.sets = {}
        clinc = _read(data, "routes/clinc150_full")
        inside = [(row["text"], row["label"]) for row in clinc if row["split"] == "train" and not row["oos"]]
        val = [(row["text"], row["label"]) for row in clinc if row["split"] == "val" and not row["oos"]]
        self.outside = [row["text"] for row in clinc if row["split"] == "val" and row["oos"]]
        self.sets["clinc"] = (inside, val)
        snips = _read(data, "routes/snips")
        self.sets["snips"] = tuple([(r["text"], r["label"]) for r in snips if r["split"] == split] for split in ("train", "val"))
        autoj = [(row["text"], row["label"]) for row in _read(data, "routes/prompts_autoj_scenarios")]
        order = numpy.random.RandomState(0).permutation(len(autoj))
        self.sets["autoj"] = ([autoj[i] for i in order[:1700]], [autoj[i] for i in order[1700:]])
        if held_back:
            self.sets["own"] = ([], [])
            for number, group in enumerate(held_back):
                for i, text in enumerate(group["texts"]):
                    self.sets["own"][i % 2].append((text, number))
        pairs = _read(data, "pairs/stsb")
        self.pairs = {split: [r for r in pairs if r["split"] == split] for split in ("train", "val")}

    def figures(self, embed, splits=("train",), shots=(5, 10)):
        out = {}
        for name, (examples, rows) in self.sets.items():
            known, asked = embed([text for text, _ in examples]), embed([text for text, _ in rows])
            labels = sorted({label for _, label in examples})
            number = {label: i for i, label in enumerate(labels)}
            mine = numpy.array([number[label] for _, label in examples])
            truth = numpy.array([number.get(label, -1) for _, label in rows])
            for count in shots if name != "own" else (6,):
                scores = []
                for seed in range(SEEDS if name != "own" else 1):
                    centroids = _centroids(known, mine, len(labels), count, seed)
                    scores.append(float(numpy.mean((asked @ centroids.T).argmax(1) == truth)))
                    if name == "clinc" and count == 10 and seed == 0:
                        inside, outside = (asked @ centroids.T).max(1), (embed(self.outside) @ centroids.T).max(1)
                        out["clinc_oos_auroc"] = float(roc_auc_score([1] * len(inside) + [0] * len(outside), [*inside, *outside]))
                out[f"{name}_{count}"] = float(numpy.mean(scores))
        for split in splits:
            rows = self.pairs[split]
            a, b = embed([row["a"] for row in rows]), embed([row["b"] for row in rows])
            out[f"stsb_{split}"] = float(spearmanr((a * b).sum(1), [row["score"] for row in rows]).correlation)
        return {name: round(value, 4) for name, value in out.items()}


def _centroids(vectors, labels, count, shots, seed):
    random = numpy.random.RandomState(seed)
    rows = []
    for label in range(count):
        chosen = random.permutation(numpy.where(labels == label)[0])[:shots]
        rows.append(vectors[chosen].mean(0))
    rows = numpy.stack(rows)
    return rows / (numpy.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)


def _read(data, name):
    with gzip.open(os.path.join(data, name + ".jsonl.gz"), "rt", encoding="utf8") as lines:
        return [json.loads(line) for line in lines]


class Embedder:
    """Embeds with a table of already weighted token vectors, as the shipped graph does."""

    def __init__(self, tokenizer, table, tokens):
        self.tokenizer, self.table, self.tokens, self.seen = tokenizer, table, tokens, {}
        self.places = [graph.place_weights(count) for count in range(tokens + 1)]

    def __call__(self, texts):
        out = numpy.zeros((len(texts), self.table.shape[1]), numpy.float32)
        for i, text in enumerate(texts):
            ids = self.seen.get(text)
            if ids is None:
                ids = self.seen[text] = numpy.array(self._cut(self.tokenizer.encode(text)), numpy.int64)
            out[i] = self.places[len(ids)] @ self.table[ids]
        return out / (numpy.linalg.norm(out, axis=1, keepdims=True) + 1e-9)

    def _cut(self, ids):
        """Head and tail of a text that is too long: what is asked stands at either end."""
        if len(ids) <= self.tokens:
            return ids
        tail = self.tokens // 2
        return ids[: self.tokens - tail] + ids[len(ids) - tail :]
