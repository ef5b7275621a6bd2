"""Trains shunt-mini: one vector and one weight per token.

    python3 models/training/shunt-mini/train.py --data ../shared/data --out models/shunt-mini/1
"""
import argparse
import json
import multiprocessing
import os
import time

import numpy
import torch

import lookalikes
from corpus import HERE, Corpus, read_corpus, train_tokenizer
from evaluate import Embedder, Evaluation
from export import export
from fit import fit
from start import start_vectors

SETTINGS = {
    "pieces": 22000, "pair_pieces": 6000, "own_word_weight": 5,
    "dimensions": 512, "tokens": 64, "served_tokens": 256,
    "own_weight": 100, "gist_weight": 35, "public_weight": 1.0,
    "made_weights": {"acts": 10, "tasks": 10, "scenes": 30, "news": 15}, "lean": 60, "parts_rate": 0.7,
    "steps": 900, "batch": 1024, "rate": 0.005, "temperature": 0.05,
    "single": 0.6, "drop": 0.15, "partners": 0.4, "wrap": 0.03, "average": 0.2,
    "runs": 4, "seed": 1, "report_every": 900,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder that holds training/, routes/ and pairs/")
    parser.add_argument("--own", default=os.path.join(HERE, "..", "own-groups"), help="folder of own groups")
    parser.add_argument("--out", required=True, help="folder for model.onnx, tokenizer.json, model.yaml, probes.json")
    parser.add_argument("--workers", type=int, default=2, help="runs at a time, a core each")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")
    options = parser.parse_args()
    settings = {**SETTINGS, **{k: json.loads(v) for k, v in (pair.split("=", 1) for pair in options.set)}}
    torch.set_num_threads(1)
    began = time.time()

    def log(line):
        print(f"{time.time() - began:7.1f} s  {line}", flush=True)

    own, parts, made = read_corpus(options.data, [options.own], settings, log)
    tokenizer = train_tokenizer(own, parts, settings)
    log(f"tokenizer of {len(tokenizer)} pieces")
    corpus = Corpus(own, parts, made, tokenizer, settings)
    log(f"{len(corpus.rows)} texts, {len(corpus.texts.ids)} tokens, {len(corpus.sources)} sources")
    # The grammar repeats its templates: what stands beside what in them says little about words.
    offsets = corpus.texts.offsets[: corpus.written + 1]
    vectors, weights, seen = start_vectors(
        corpus.texts.ids[: offsets[-1]], offsets, len(tokenizer), settings["dimensions"], settings["seed"])
    alike = lookalikes.parts_matrix(tokenizer.pieces)
    vectors = lookalikes.lean(vectors, seen, alike, settings["lean"])
    counts = numpy.bincount(corpus.texts.ids, minlength=len(tokenizer))
    log(f"start vectors of {settings['dimensions']} dimensions; {int((counts == 0).sum())} pieces never seen")
    evaluation = Evaluation(options.data)

    def measure(vectors, weights, **more):
        table = vectors * numpy.exp(weights)[:, None]
        return evaluation.figures(Embedder(tokenizer, table, settings["served_tokens"]), **more)

    # Runs that differ in their seed alone stay close enough for their mean to be a model, and a better one.
    def one_run(run):
        def report(step, steps, loss, vectors, weights):
            log(f"run {run + 1} of {settings['runs']}  step {step}/{steps}  loss {loss:.3f}  {measure(vectors.numpy(), weights.numpy())}")
        return fit(corpus.texts, corpus.sources, corpus.wrapping, (vectors, weights), alike, {**settings, "seed": settings["seed"] + run}, report)

    runs = in_parallel(one_run, settings["runs"], options.workers)
    vectors, weights = (numpy.mean([run[part] for run in runs], axis=0) for part in (0, 1))
    weights[counts == 0] = -20  # a piece that training never met must not add noise
    log(f"float  {measure(vectors, weights, splits=('train', 'val'))}")
    export(options.out, tokenizer, vectors, weights, settings, data_used(own), evaluation, log)


def in_parallel(work, count, workers):
    """[work(0), work(1), …], shared out among forked processes; the results do not depend on their number."""
    def some(first, results):
        results.send([work(number) for number in range(first, count, workers)])

    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe(duplex=False) for _ in range(workers)]
    processes = [context.Process(target=some, args=(first, pipe[1]), daemon=True) for first, pipe in enumerate(pipes)]
    for process, (_, sending) in zip(processes, pipes):
        process.start()
        sending.close()  # or a process that died would be waited for without end
    parts = [receiving.recv() for receiving, _ in pipes]
    return [parts[number % workers][number // workers] for number in range(count)]


def data_used(own):
    """The attribution part of the card."""
    rows = [{"name": "own-groups", "licence": "Apache-2.0", "attribution": f"written for this project, {len(own)} groups, and a grammar"}]
    for source in json.load(open(os.path.join(HERE, "sources.json"), encoding="utf8")):
        if source["weight"] > 0:
            rows.append({key: source[key] for key in ("name", "licence", "attribution")})
    return rows


if __name__ == "__main__":
    main()
