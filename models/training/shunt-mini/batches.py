"""Training batches. Two texts of one group, or the two sides of a pair, belong together; every other row
of the batch is a negative, unless it shares a key. A side may have a second text beside it, whose tokens
are added to its own:

    group row:    left = text + another text of the group  |  right = a third text of the group
                  (a route is the mean of its examples, so train against small means)
    wrapped row:  left = instruction + some material       |  right = the instruction in other words
                  (what an LLM prompt asks for is a few of its words; the rest is pasted in, and the
                  same material stands in other rows with other instructions)
"""
import numpy


class Texts:
    """Token ids of many texts in one flat array."""

    def __init__(self, rows, most):
        rows = [row[:most] if row else [0] for row in rows]
        self.lengths = numpy.array([len(row) for row in rows], numpy.int64)
        self.offsets = numpy.concatenate([[0], numpy.cumsum(self.lengths)])
        self.ids = numpy.fromiter((i for row in rows for i in row), numpy.int64, self.offsets[-1])

    def take(self, index):
        start, length = self.offsets[index], self.lengths[index]
        first = numpy.concatenate([[0], numpy.cumsum(length)[:-1]])
        flat = numpy.arange(length.sum()) - numpy.repeat(first, length) + numpy.repeat(start, length)
        return self.ids[flat], length


class Pairs:
    def __init__(self, name, weight, left, right):
        self.name, self.weight = name, weight
        self.left, self.right = numpy.array(left), numpy.array(right)

    def __len__(self):
        return len(self.left)

    def draw(self, count, random, settings):
        row = random.randint(0, len(self.left), count)
        # Text numbers serve as keys: a side that stands twice in a batch is not its own negative.
        return self.left[row], self.right[row], self.left[row], self.right[row], numpy.full(count, -1), numpy.full(count, -1)


class Groups:
    """groups: lists of text numbers. first_key numbers the groups of all sources apart."""

    def __init__(self, name, weight, groups, first_key):
        self.name, self.weight, self.first_key = name, weight, first_key
        self.flat = numpy.concatenate([numpy.array(group) for group in groups])
        self.sizes = numpy.array([len(group) for group in groups])
        self.starts = numpy.concatenate([[0], numpy.cumsum(self.sizes)[:-1]])
        self.all = numpy.arange(len(groups))

    def __len__(self):
        return len(self.flat)

    def draw(self, count, random, settings, groups=None):
        groups = self.all if groups is None else groups
        group = groups[random.randint(0, len(groups), count)]
        start, size = self.starts[group], self.sizes[group]
        left = (random.rand(count) * size).astype(numpy.int64)
        right = (left + 1 + (random.rand(count) * (size - 1)).astype(numpy.int64)) % size
        third = (random.rand(count) * size).astype(numpy.int64)
        usable = (third != left) & (third != right) & (random.rand(count) < settings["partners"])
        key = -1 - (self.first_key + group)  # negative, so that it never equals a text number
        beside = numpy.where(usable, self.flat[start + third], -1)
        return self.flat[start + left], self.flat[start + right], key, key, beside, numpy.full(count, -1)


def next_batch(sources, wrapping, random, settings):
    """wrapping: (own groups, numbers of the groups that instruct, text numbers of material)."""
    if random.rand() < settings["wrap"]:
        return _wrapped(*wrapping, random, settings)
    size = settings["batch"]
    weights = numpy.array([source.weight for source in sources])
    weights = weights / weights.sum()
    if random.rand() < settings["single"]:  # the source's own texts are the harder negatives
        source = sources[random.choice(len(sources), p=weights)]
        return source.draw(min(size, max(64, len(source))), random, settings)
    counts = random.multinomial(size, weights)
    parts = [source.draw(count, random, settings) for source, count in zip(sources, counts) if count]
    return [numpy.concatenate(column) for column in zip(*parts)]


def _wrapped(own, instructions, material, random, settings):
    count = settings["batch"] // 2
    left, right, left_keys, right_keys, *_ = own.draw(count, random, settings, instructions)
    # Few materials for many rows: rows that share one are told apart by the instruction alone.
    few = material[random.randint(0, len(material), count // 8)]
    beside = [numpy.where(random.rand(count) < share, few[random.randint(0, len(few), count)], -1) for share in (0.8, 0.5)]
    return [left, right, left_keys, right_keys, *beside]
