"""Reads the training text: the own groups of this repository and the public files of sources.json."""
import glob
import gzip
import json
import os
import random

LONGEST = 600  # characters kept of a training text; what follows repeats the topic


def own_groups(folders):
    """Groups written for this project: {domain, group, gist, texts}. A group named twice is read once."""
    groups, seen = [], set()
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(folder, "*.jsonl"))):
            for line in open(path, encoding="utf8"):
                if not line.strip():
                    continue
                row = json.loads(line)
                key = (row["domain"], row["group"], row["texts"][0])
                if key not in seen:
                    seen.add(key)
                    texts = list(dict.fromkeys(text[:LONGEST] for text in row["texts"] if text.strip()))
                    groups.append({**row, "file": os.path.basename(path), "texts": texts})
    return groups


def public_source(folder, source, seed):
    """One public file as {name: {"groups": ...}} or {name: {"pairs": ...}}, split by kind where the card says so."""
    path = os.path.join(folder, source["name"] + ".jsonl.gz")
    rows = [json.loads(line) for line in gzip.open(path, "rt", encoding="utf8")]
    if source["use"] == "groups":
        by_group = {}
        for row in rows:
            by_group.setdefault(row["group"], {})[row["text"][:LONGEST]] = None
        groups = [list(texts)[:400] for texts in by_group.values() if len(texts) > 1]
        return {source["name"]: {"groups": groups, "weight": source["weight"]}}
    random.Random(seed).shuffle(rows)
    rows = rows[: source.get("most", len(rows))]
    parts = {}
    for row in rows:
        a, b = row["a"][:LONGEST], row["b"][:LONGEST]
        if len(a) > 3 and len(b) > 2 and a != b:
            name = f"{source['name']}:{row['kind']}" if source.get("by_kind") else source["name"]
            parts.setdefault(name, {"pairs": []})["pairs"].append((a, b))
    for part in parts.values():
        part["weight"] = source["weight"] / len(parts)
    if "label_weight" in source:  # utterances under one label are a second, coarser signal
        by_label = {}
        for row in rows:
            by_label.setdefault(row["label"], {})[row["a"][:LONGEST]] = None
        groups = [list(texts) for texts in by_label.values() if len(texts) > 1]
        parts[source["name"] + ":label"] = {"groups": groups, "weight": source["label_weight"]}
    return parts
