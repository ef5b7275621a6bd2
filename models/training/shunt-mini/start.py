"""Where the vectors start: words seen together in one text start close together. Co-occurrence within
five tokens, positive pointwise mutual information, truncated SVD. One minute of work that random
starts do not make up for later."""
import numpy
import scipy.sparse
from sklearn.utils.extmath import randomized_svd

WINDOW = 5
LENGTH = 1.6  # of a start vector: large enough that the first steps do not erase it
RARE = 1e-3  # the a of SIF weighting: a token of this frequency gets half the weight of a rare one


def start_vectors(ids, offsets, pieces, dimensions, seed):
    """ids: tokens of all texts, text i from offsets[i] on. Returns vectors [pieces, dimensions], log weights [pieces], counts."""
    counts = numpy.bincount(ids, minlength=pieces)
    together = scipy.sparse.csr_matrix((pieces, pieces), dtype=numpy.float32)
    text = numpy.repeat(numpy.arange(len(offsets) - 1), numpy.diff(offsets))
    for distance in range(1, WINDOW + 1):
        same = text[:-distance] == text[distance:]
        left, right = ids[:-distance][same], ids[distance:][same]
        value = numpy.full(len(left), 1 / distance, numpy.float32)
        together = together + scipy.sparse.coo_matrix((value, (left, right)), shape=(pieces, pieces)).tocsr()
    together = (together + together.T).tocoo()
    rows = numpy.bincount(together.row, together.data, pieces)
    # Context counts to the power .75 keep rare contexts from dominating.
    contexts = rows**0.75
    contexts /= contexts.sum()
    information = numpy.log(together.data / (rows[together.row] * contexts[together.col]))
    keep = information > 0
    matrix = scipy.sparse.csr_matrix(
        (information[keep].astype(numpy.float32), (together.row[keep], together.col[keep])), shape=(pieces, pieces)
    )
    left, values, _ = randomized_svd(matrix, dimensions, n_iter=2, random_state=seed)
    vectors = left * values**0.5
    unseen = numpy.linalg.norm(vectors, axis=1) < 1e-6
    vectors[unseen] = numpy.random.RandomState(seed).randn(unseen.sum(), dimensions)
    vectors *= LENGTH / numpy.linalg.norm(vectors, axis=1, keepdims=True)
    frequency = counts / counts.sum()
    log_weights = 0.5 * numpy.log(RARE / (RARE + frequency))
    return vectors.astype(numpy.float32), log_weights.astype(numpy.float32), counts
