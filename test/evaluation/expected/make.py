"""Makes the expected figures of test/evaluation/score.test.ts with scikit-learn, an implementation that is not ours.

    /usr/bin/python3 test/evaluation/expected/make.py      (Debian: python3-sklearn)

Writes decisions.jsonl (rows with decisions, made up from a seed; scores are rounded so that some are equal) and
figures.json (what scikit-learn and numpy make of them).
"""
import json
import pathlib
import random

import numpy as np
from sklearn import metrics

here = pathlib.Path(__file__).parent
random.seed(20)
routes = ["billing", "greeting", "refund", "shipping", "unused"]
targets = {"billing": "small", "greeting": "small", "refund": "tiny", "shipping": "tiny", "unused": "small", None: "large"}
rows = []
for i in range(400):
    truth = random.choice(routes[:4] + [None])
    best = truth if truth and random.random() < 0.8 else random.choice(routes)
    score = round(random.betavariate(5, 2) if best == truth else random.betavariate(2, 3), 2)
    accepted = best if score >= 0.55 else None
    rows.append({"truth": truth, "best": best, "score": score, "accepted": accepted})

truth = np.array([row["truth"] or "none" for row in rows])
best = np.array([row["best"] for row in rows])
accepted = np.array([row["accepted"] or "none" for row in rows])
score = np.array([row["score"] for row in rows])
inside = truth != "none"
taken = accepted != "none"
right = (best == truth).astype(int)
present = sorted(set(truth[inside]))

order = np.argsort(-score, kind="stable")
# Equal scores are taken together: within a tie the errors spread evenly.
wrong = 1 - right
risks, seen, errors = [], 0, 0.0
for value in sorted(set(score), reverse=True):
    tie = score == value
    size, bad = int(tie.sum()), int(wrong[tie].sum())
    risks += [(errors + bad * (k + 1) / size) / (seen + k + 1) for k in range(size)]
    seen, errors = seen + size, errors + bad

edges = np.minimum(14, np.floor(score * 15)).astype(int)
ece = sum(abs(score[edges == b].sum() - right[edges == b].sum()) for b in range(15)) / len(rows)

per_route = {}
precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, accepted, labels=routes, zero_division=0)
for i, name in enumerate(routes):
    per_route[name] = {"precision": precision[i], "recall": recall[i], "f1": f1[i], "rows": int(support[i])}

target_of = np.vectorize(lambda name: targets[None if name == "none" else name])
figures = {
    "accuracy": metrics.accuracy_score(truth, accepted),
    "accuracy_in_scope": metrics.accuracy_score(truth[inside], best[inside]),
    "macro_f1": metrics.f1_score(truth, accepted, labels=present, average="macro"),
    "coverage": taken.mean(),
    "coverage_in_scope": taken[inside].mean(),
    "precision_accepted": metrics.accuracy_score(truth[taken], accepted[taken]),
    "precision_target": metrics.accuracy_score(target_of(truth[taken]), target_of(accepted[taken])),
    "oos_recall": metrics.recall_score(truth == "none", accepted == "none"),
    "fallback_rate": (~taken).mean(),
    "roc_auc": metrics.roc_auc_score(right, score),
    "pr_auc": metrics.average_precision_score(right, score),
    "aurc": float(np.mean(risks)),
    "ece": ece,
}
with open(here / "decisions.jsonl", "w") as file:
    for row in rows:
        file.write(json.dumps(row) + "\n")
with open(here / "figures.json", "w") as file:
    json.dump({"figures": figures, "per_route": per_route, "targets": {k or "": v for k, v in targets.items()}}, file, indent=1, default=float)
    file.write("\n")
