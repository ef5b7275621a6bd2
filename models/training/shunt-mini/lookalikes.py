"""Words that look alike mean alike more often than not: `refund`, `refunds`, `refunding`. A piece is described by its
parts, its stem and its runs of five letters. At the start a rare piece, whose co-occurrences are few and noisy, leans
on what its parts say (`lean`); in training the parts learn beside the pieces, so that what one word is taught its
relatives learn too (`fit.py`). The parts are folded into the table: the model that serves knows nothing of them."""
import collections

import numpy
import scipy.sparse

ENDINGS = ["ations", "ation", "ingly", "ments", "ness", "ings", "edly", "ment", "ing", "ers", "ies", "ied", "ion", "ions",
           "ely", "er", "ed", "es", "ly", "s", "e", "y"]
RUN = 5
MOST = 300  # pieces that share a part; a part of more says nothing
RIDGE = 30.0
ENOUGH = 1000  # occurrences above which a piece teaches its parts no more
STEPS = 40


def parts_of(piece):
    if piece.startswith("##") or not piece.isalpha() or len(piece) < 4:
        return set()
    word = f"<{piece}>"
    return {word[i : i + RUN] for i in range(len(word) - RUN + 1)} | {"^" + _stem(piece)}


def _stem(word):
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def parts_matrix(pieces):
    """Sparse [pieces, parts], rows of length 1; the stem counts twice."""
    sharing = collections.defaultdict(list)
    for i, piece in enumerate(pieces):
        for part in parts_of(piece):
            sharing[part].append(i)
    kept = [(part, of) for part, of in sorted(sharing.items()) if 2 <= len(of) <= MOST]
    rows = numpy.concatenate([of for _, of in kept])
    columns = numpy.repeat(numpy.arange(len(kept)), [len(of) for _, of in kept])
    values = numpy.repeat([2.0 if part[0] == "^" else 1.0 for part, _ in kept], [len(of) for _, of in kept])
    matrix = scipy.sparse.coo_matrix((values, (rows, columns)), shape=(len(pieces), len(kept))).tocsr()
    lengths = numpy.sqrt(numpy.asarray(matrix.multiply(matrix).sum(1)).ravel())
    return (scipy.sparse.diags(1 / numpy.maximum(lengths, 1e-9)) @ matrix).astype(numpy.float32)


def lean(vectors, counts, parts, half):
    """A piece seen `half` times is half itself, half what its parts say. Lengths stay."""
    weights = numpy.minimum(counts, ENOUGH).astype(numpy.float32)
    weighted = parts.T @ scipy.sparse.diags(weights)
    matrix = (weighted @ parts + RIDGE * scipy.sparse.identity(parts.shape[1], numpy.float32)).tocsr()
    guess = parts @ _solve(matrix, weighted @ vectors)
    known = (numpy.linalg.norm(guess, axis=1) > 0.2)[:, None]
    share = (half / (half + counts))[:, None]
    mixed = numpy.where(known, (1 - share) * vectors + share * guess, vectors)
    lengths = [numpy.linalg.norm(rows, axis=1, keepdims=True) for rows in (vectors, mixed)]
    return (mixed * (lengths[0] / numpy.maximum(lengths[1], 1e-6))).astype(numpy.float32)


def _solve(matrix, right):
    """Conjugate gradients, all columns at once."""
    found, rest = numpy.zeros_like(right), right.copy()
    direction, square = rest.copy(), (rest * rest).sum(0)
    for _ in range(STEPS):
        image = matrix @ direction
        step = square / ((direction * image).sum(0) + 1e-9)
        found += direction * step
        rest -= image * step
        before, square = square, (rest * rest).sum(0)
        direction = rest + direction * (square / (before + 1e-9))
    return found
