"""Everything a run trains on: the tokenizer, the token ids of all texts, the sources to draw from."""
import json
import os
import re

import numpy

import grammar
import vocabulary
from batches import Groups, Pairs, Texts
from clean import Cleaner, evaluation_texts
from read import own_groups, public_source
from text import WordPiece

# Own groups that instruct on some text: their prompts come with material in real life.
INSTRUCTING = re.compile("llm-|translat|summar|rewrit|extract|classif|conver|title|text-correction|transform|code-explain|pipeline|sentiment|format|judg|reading")
# The right side of these pairs is prose, code or data such as people paste into a prompt.
MATERIAL = ["wikisplit", "oss_docs", "medquad", "gsm8k_train", "beerqa_sample", "based_cooking", "owasp_docs", "dolly_hhrlhf_small", "covid_faq"]
HERE = os.path.dirname(os.path.abspath(__file__))


def read_corpus(data, own_folders, settings, log):
    """Returns own groups, public parts and groups made by the grammar, as text; our own is cleaned of evaluation rows."""
    sources = json.load(open(os.path.join(HERE, "sources.json"), encoding="utf8"))
    parts = {}
    for source in sources:
        if source["weight"] > 0:
            parts.update(public_source(os.path.join(data, "training"), source, settings["seed"]))
    own = own_groups(own_folders)
    cleaner = Cleaner(evaluation_texts(data))
    before = sum(len(group["texts"]) for group in own)
    for group in own:
        group["texts"] = [text for text in group["texts"] if cleaner.keeps(text)]
    after = sum(len(group["texts"]) for group in own)
    own = [group for group in own if len(group["texts"]) > 1]
    made = made_groups(cleaner, settings)
    log(f"read {len(parts)} public parts, {len(own)} own groups; {before - after} of {before} own texts stand too near to evaluation rows")
    log(f"{sum(len(part['groups']) for part in made.values())} groups made by the grammar")
    return own, parts, made


def made_groups(cleaner, settings):
    parts = {}
    for group in grammar.groups():
        texts = [text for text in group["texts"] if cleaner.keeps(text)]
        if len(texts) > 1:
            parts.setdefault(group["kind"], []).append(texts)
    return {f"grammar:{kind}": {"groups": groups, "weight": settings["made_weights"][kind]} for kind, groups in parts.items()}


def train_tokenizer(own, parts, settings):
    def weighted():
        for group in own:
            for text in [*group["texts"], group["gist"]]:
                yield text, settings["own_word_weight"]
        for part in parts.values():
            for texts in part.get("groups", part.get("pairs")):
                for text in texts:
                    yield text, 1
    return WordPiece(vocabulary.choose(vocabulary.count_words(weighted()), settings["pieces"], settings["pair_pieces"]))


class Corpus:
    def __init__(self, own, parts, made, tokenizer, settings):
        self.numbers, self.rows, self.tokenizer, self.written = {}, [], tokenizer, 0
        self.sources, first_key = [], 0
        groups = [[self._number(text) for text in group["texts"]] for group in own]
        self.sources.append(Groups("own", settings["own_weight"], groups, first_key))
        first_key += len(groups)
        gists = [(text, self._number(group["gist"])) for group, texts in zip(own, groups) for text in texts]
        self.sources.append(Pairs("own:gist", settings["gist_weight"], *zip(*gists)))
        for name, part in [*sorted(parts.items()), *sorted(made.items())]:
            weight = part["weight"] * (1 if name in made else settings["public_weight"])
            if name in made:  # last of all: what stands before was written by people
                self.written = self.written or len(self.rows)
            if "groups" in part:
                groups = [[self._number(text) for text in group] for group in part["groups"]]
                self.sources.append(Groups(name, weight, groups, first_key))
                first_key += len(groups)
            else:
                pairs = [(self._number(a), self._number(b)) for a, b in part["pairs"]]
                self.sources.append(Pairs(name, weight, *zip(*pairs)))
        self.texts = Texts(self.rows, settings["tokens"])
        instructing = numpy.array([i for i, group in enumerate(own) if INSTRUCTING.search(group["domain"])])
        material = numpy.concatenate([numpy.unique(source.right) for source in self.sources if source.name in MATERIAL])
        self.wrapping = (self.sources[0], instructing, material)

    def _number(self, text):
        number = self.numbers.get(text)
        if number is None:
            number = self.numbers[text] = len(self.rows)
            self.rows.append(self.tokenizer.encode(text))
        return number
