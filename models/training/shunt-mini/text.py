"""Text to token ids: normalising, splitting into words, WordPiece.

The same rules are written to tokenizer.json, which Hugging Face tokenizers read. Three
implementations (this one, the JavaScript one, the Rust one) must agree on every byte, so
the rules use explicit character ranges instead of \\w, \\s or \\p{..}, whose meaning differs
between regular expression engines.

    text -> NFKD -> lower case -> marks removed -> curly apostrophe to straight
         -> words:  letters | contraction | digits | run of one rule character | any one character
         -> pieces: longest match first, continued pieces start with ##
"""
import re
import unicodedata

UNKNOWN = "[UNK]"
CONTINUED = "##"
# A longer word is no word (base64, a hash): one unknown token instead of a hundred pieces.
LONGEST_WORD = 48

LETTERS = "a-z\u00df-\u00f6\u00f8-\u024f\u0370-\u1fff"
DIGITS = "0-9"
# Spaces, control characters and invisible marks separate words and leave no token.
GAPS = "\u0000-\u0020\u007f-\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufe00-\ufe0f\ufeff"
# Lines drawn with these would otherwise fill the vector with dashes.
RULES = ["-", "=", "_", "\\*", "#", "~", "\\.", "!", "\\?", "`"]
CONTRACTION = "'(?:s|t|re|ve|m|ll|d)(?![" + LETTERS + "])"
WORD = "|".join(
    [f"[{LETTERS}]+", CONTRACTION, f"[{DIGITS}]+"]
    + [f"{rule}+" for rule in RULES]
    + [f"[^{GAPS}{LETTERS}{DIGITS}]"]
)
APOSTROPHES = "[\u2018\u2019]"

_word = re.compile(WORD)
_apostrophes = re.compile(APOSTROPHES)


def normalise(text):
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).lower()
        text = "".join(c for c in text if not unicodedata.category(c).startswith("M"))
        return _apostrophes.sub("'", text)
    return text.lower()


def words(text):
    return _word.findall(normalise(text))


class WordPiece:
    """Greedy longest match. Ids are positions in the list of pieces."""

    def __init__(self, pieces):
        self.pieces = pieces
        self.ids = {piece: i for i, piece in enumerate(pieces)}
        self.unknown = self.ids[UNKNOWN]
        self._seen = {}

    def __len__(self):
        return len(self.pieces)

    def encode(self, text):
        out = []
        for word in words(text):
            ids = self._seen.get(word)
            if ids is None:
                ids = self._seen[word] = self._split(word)
            out += ids
        return out

    def _split(self, word):
        if len(word) > LONGEST_WORD:
            return [self.unknown]
        out, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = (CONTINUED if start else "") + word[start:end]
                if piece in self.ids:
                    break
            else:
                return [self.unknown]
            out.append(self.ids[piece])
            start = end
        return out

    def hugging_face(self):
        """The content of tokenizer.json. No added tokens: a prompt that says "[UNK]" is just text."""
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": {
                "type": "Sequence",
                "normalizers": [
                    {"type": "NFKD"},
                    {"type": "Lowercase"},
                    {"type": "StripAccents"},
                    {"type": "Replace", "pattern": {"Regex": APOSTROPHES}, "content": "'"},
                ],
            },
            "pre_tokenizer": {"type": "Split", "pattern": {"Regex": WORD}, "behavior": "Removed", "invert": True},
            "post_processor": None,
            "decoder": {"type": "WordPiece", "prefix": CONTINUED, "cleanup": False},
            "model": {
                "type": "WordPiece",
                "unk_token": UNKNOWN,
                "continuing_subword_prefix": CONTINUED,
                "max_input_chars_per_word": LONGEST_WORD,
                "vocab": self.ids,
            },
        }
