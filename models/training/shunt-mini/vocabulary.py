"""Chooses the pieces: single characters, the pieces of a small byte-pair model, then the most
frequent whole words. Whole words matter most to a static model, for it has no layer that could put
a word together again; the byte-pair pieces only catch what is left."""
import collections
import os
import tempfile

import sentencepiece

from text import CONTINUED, LETTERS, UNKNOWN, words
import re

_letters = re.compile(f"[{LETTERS}]+")


def count_words(weighted_texts):
    """weighted_texts: (text, weight). Own text counts more than its share of bytes."""
    counts = collections.Counter()
    for text, weight in weighted_texts:
        for word in words(text):
            counts[word] += weight
    return counts


def choose(counts, size, pair_pieces):
    pieces = dict.fromkeys([UNKNOWN])
    characters = collections.Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    for character, count in sorted(characters.items()):
        if count >= 20:
            pieces[character] = None
            if _letters.fullmatch(character) or character.isdigit():
                pieces[CONTINUED + character] = None
    for rule in "-=_*#~.!?`":
        for length in (1, 2, 3, 4, 8, 16):
            pieces[rule * length] = None
            pieces[CONTINUED + rule * length] = None
    for piece in _byte_pairs(counts, pair_pieces):
        pieces[piece] = None
    for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if len(pieces) >= size:
            break
        if len(word) <= 24:
            pieces[word] = None
    return list(pieces)


def _byte_pairs(counts, size):
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "words.tsv")
        with open(table, "w", encoding="utf8") as out:
            for word, count in sorted(counts.items()):
                if len(word) <= 24 and _letters.fullmatch(word) and count >= 3:
                    out.write(f"{word}\t{int(count)}\n")
        prefix = os.path.join(folder, "pairs")
        sentencepiece.SentencePieceTrainer.train(
            input=table, input_format="tsv", model_prefix=prefix, model_type="bpe", vocab_size=size,
            character_coverage=0.9995, normalization_rule_name="identity", num_threads=1,
            minloglevel=2,
        )
        model = sentencepiece.SentencePieceProcessor(model_file=prefix + ".model")
        for i in range(3, model.get_piece_size()):
            piece = model.id_to_piece(i)
            if piece == "\u2581":
                continue
            yield piece[1:] if piece.startswith("\u2581") else CONTINUED + piece
