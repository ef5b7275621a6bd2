/** Shorter vectors from a model trained for it (Matryoshka): the first `dimensions` values, scaled back to length 1. */
import { normalise, type UnitVector } from '../base/vector.ts';

/** Without the rescaling a dot product would no longer be a cosine. Returns `vector` itself when nothing is cut. */
export function shorten(vector: UnitVector, dimensions: number): UnitVector {
  return dimensions >= vector.length ? vector : normalise(vector.slice(0, dimensions));
}
