"""Keeps evaluation rows out of the training text: a text is dropped when its words equal those of an
evaluation row, or when it shares 80% of its distinct words (five or more) with one. Only the own
groups pass through here: the public files were cleaned when they were collected."""
import collections
import gzip
import json
import os
import re

EVALUATION = ["routes/clinc150_full", "routes/clinc150_fewshot", "routes/clinc_single_domain_oos", "routes/snips",
              "routes/prompts_autoj_scenarios", "routes/prompts_mtbench_vicuna", "routes/prompts_alpaca_eval",
              "routes/prompts_vllm_sr", "pairs/stsb"]
RAREST = 4  # a near copy shares at least one of the row's rarest words with it


def evaluation_texts(data):
    for name in EVALUATION:
        path = os.path.join(data, name + ".jsonl.gz")
        if os.path.exists(path):
            for line in gzip.open(path, "rt", encoding="utf8"):
                row = json.loads(line)
                for field in ("text", "a", "b"):
                    if field in row:
                        yield row[field][:2000]


class Cleaner:
    def __init__(self, texts):
        rows = [_words(text) for text in texts]
        self.exact = {" ".join(row) for row in rows}
        self.sets = list({frozenset(row) for row in rows})
        frequency = collections.Counter(word for row in self.sets for word in row)
        self.by_word = collections.defaultdict(list)
        for i, row in enumerate(self.sets):
            for word in sorted(row, key=lambda w: (frequency[w], w))[:RAREST]:
                self.by_word[word].append(i)

    def keeps(self, text):
        row = _words(text)
        if " ".join(row) in self.exact:
            return False
        distinct = frozenset(row)
        if len(distinct) < 5:
            return True
        candidates = {i for word in distinct for i in self.by_word.get(word, ())}
        return not any(
            len(distinct & self.sets[i]) >= 0.8 * len(distinct | self.sets[i])
            for i in candidates
            if 0.8 * len(distinct) <= len(self.sets[i]) <= len(distinct) / 0.8
        )


def _words(text):
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).split()
