/**
 * Longest-match look-up of WordPiece vocabularies, straight from the text: no substring is made, no cache is kept, and a
 * hostile word costs no more than its length times the longest piece.
 *
 *     root ──'p'──► n1 ──'a'──► n2 ──'y'──► n3 (id 812: "pay")
 *     continued ──'m'──► n4 …                 (pieces written "##m…")
 *
 * Every edge is one slot of an open-addressing hash table keyed by (node, UTF-16 unit). Not a general map: pieces are
 * added once, before the first look-up.
 */
const freeSlot = -1;

export class PieceTrie {
  /** Where the last `longest` match ended. */
  matchEnd = 0;
  readonly #mask: number;
  readonly #parents: Int32Array;
  readonly #units: Uint16Array;
  readonly #children: Int32Array;
  readonly #ids: Int32Array;
  #nodes = 2;

  /** `vocabulary`: piece → id; pieces that start with `continued` also stand for the inside of a word. */
  constructor(vocabulary: ReadonlyMap<string, number>, continued: string) {
    let units = 2;
    for (const piece of vocabulary.keys()) units += piece.length * 2;
    const capacity = 2 ** Math.ceil(Math.log2(units * 2));
    this.#mask = capacity - 1;
    this.#parents = new Int32Array(capacity).fill(freeSlot);
    this.#units = new Uint16Array(capacity);
    this.#children = new Int32Array(capacity);
    this.#ids = new Int32Array(units).fill(-1);
    for (const [piece, id] of vocabulary) {
      this.#add(0, piece, id);
      if (piece.length > continued.length && piece.startsWith(continued))
        this.#add(1, piece.slice(continued.length), id);
    }
  }

  /** Id of the longest piece that starts at `start` and ends by `end`, or -1. `inside`: within a word, not at its start. */
  longest(text: string, start: number, end: number, inside: boolean): number {
    let node = inside ? 1 : 0;
    let found = -1;
    for (let at = start; at < end; at++) {
      node = this.#children[this.#slot(node, text.charCodeAt(at))];
      if (node === 0) break;
      const id = this.#ids[node];
      if (id >= 0) {
        found = id;
        this.matchEnd = at + 1;
      }
    }
    return found;
  }

  #add(root: number, piece: string, id: number): void {
    let node = root;
    for (let at = 0; at < piece.length; at++) {
      const unit = piece.charCodeAt(at);
      const slot = this.#slot(node, unit);
      if (this.#parents[slot] === freeSlot) {
        this.#parents[slot] = node;
        this.#units[slot] = unit;
        this.#children[slot] = this.#nodes++;
      }
      node = this.#children[slot];
    }
    this.#ids[node] = id;
  }

  /** The slot of an edge, or the free slot where it would stand (whose child is 0: the root is nobody's child). */
  #slot(node: number, unit: number): number {
    let slot = (Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & this.#mask;
    while (this.#parents[slot] !== freeSlot && (this.#parents[slot] !== node || this.#units[slot] !== unit)) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }
}
