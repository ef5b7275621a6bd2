"""Token ids of JSON texts, one per line, for check.mjs: python3 tokenize_lines.py tokenizer.json < texts"""
import json
import sys

from text import UNKNOWN, WordPiece

vocabulary = json.load(open(sys.argv[1], encoding="utf8"))["model"]["vocab"]
tokenizer = WordPiece(sorted(vocabulary, key=vocabulary.get))
assert tokenizer.pieces[vocabulary[UNKNOWN]] == UNKNOWN
for line in sys.stdin:
    print(json.dumps(tokenizer.encode(json.loads(line))))
