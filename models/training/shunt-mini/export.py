"""Writes the files of the model: graph, tokenizer, probes and card."""
import datetime
import hashlib
import json
import os

import numpy
import onnx
import yaml

import graph
import probes
from evaluate import Embedder

MEASURED = {
    "clinc": "CLINC150 in scope, N examples per intent from its train split, dense centroid, accuracy on its val split, mean of 3 samplings; used to choose settings",
    "clinc_oos_auroc": "CLINC150, 10 examples per intent, largest centroid cosine, val in scope against its 100 out-of-scope rows",
    "snips": "SNIPS, N examples per intent from its train split, dense centroid, accuracy on its val split, mean of 3 samplings; used to choose settings",
    "autoj": "Auto-J scenarios, N examples per scenario from a fixed 1,700 rows, dense centroid, accuracy on the other 683, mean of 3 samplings; used to choose settings, and part of the rows of its five-fold figure",
    "stsb_train": "STS-B train split, Spearman; never trained on, used to choose settings",
    "stsb_val": "STS-B validation split, Spearman; not used to choose settings",
}


def export(folder, tokenizer, vectors, log_weights, settings, data_used, evaluation, log):
    os.makedirs(folder, exist_ok=True)
    write(folder, tokenizer, *graph.quantise(vectors * numpy.exp(log_weights)[:, None]), settings, data_used, evaluation, log)


def write(folder, tokenizer, rows, scales, settings, data_used, evaluation, log):
    path = {name: os.path.join(folder, name) for name in ("model.onnx", "tokenizer.json", "model.yaml", "probes.json")}
    onnx.save(graph.build(rows, scales, "shunt-mini"), path["model.onnx"])
    with open(path["tokenizer.json"], "w", encoding="utf8") as out:
        json.dump(tokenizer.hugging_face(), out, ensure_ascii=False, separators=(",", ":"))
    embed = Embedder(tokenizer, rows.astype(numpy.float32) * scales[:, None], settings["served_tokens"])
    _write_probes(path["probes.json"], embed)
    figures = evaluation.figures(embed, splits=("train", "val"))
    log(f"int8  {figures}")
    card = {
        "name": "shunt-mini",
        "version": int(os.path.basename(os.path.normpath(folder))),
        "task": "sentence-embedding",
        "kind": "static",
        "licence": "Apache-2.0",
        "source": "models/training/shunt-mini",
        "created": datetime.date.today().isoformat(),
        "dimensions": rows.shape[1],
        "max_tokens": settings["served_tokens"],
        "pooling": "none",  # the graph pools
        "normalise": True,
        "prefixes": {"query": "", "document": ""},
        "truncation": "middle",
        "static": {"table": graph.TABLE, "scales": graph.SCALES, "places": {"head": graph.HEAD, "tail": graph.TAIL}},
        "digests": {name: "sha256:" + _digest(path[name]) for name in ("model.onnx", "tokenizer.json", "probes.json")},
        "probes": "probes.json",
        "figures": {"measured_on": MEASURED, "values": figures},
        "settings": settings,
        "data": data_used,
    }
    with open(path["model.yaml"], "w", encoding="utf8") as out:
        out.write("# Written by models/training/shunt-mini/train.py; do not edit.\n")
        yaml.safe_dump(card, out, sort_keys=False, allow_unicode=True, width=160)
    size = sum(os.path.getsize(file) for file in path.values())
    log(f"wrote {folder}: {size / 1e6:.2f} MB in all, model.onnx {os.path.getsize(path['model.onnx']) / 1e6:.2f} MB")


def _write_probes(path, embed):
    vectors = embed(probes.TEXTS)
    with open(path, "w", encoding="utf8") as out:
        out.write('{"tolerance": {"cosine": 0.999}, "probes": [\n')
        out.write(",\n".join(
            json.dumps({"text": text, "vector": [round(float(x), 6) for x in vector]}, ensure_ascii=True, separators=(",", ":"))
            for text, vector in zip(probes.TEXTS, vectors)))
        out.write("\n]}\n")


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
