import { describe, expect, it } from 'vitest';
import { normalise, type UnitVector } from '../../src/base/vector.ts';
import { createScan } from '../../src/cache/scan-kernel.ts';
import { SemanticIndex } from '../../src/cache/semantic-index.ts';
import { type Random, seeded } from '../../src/routing/seeded.ts';

const dimensions = 96;

function randomVector(random: Random, near?: UnitVector): UnitVector {
  const values = Float32Array.from({ length: dimensions }, (_, i) => random() - 0.5 + (near ? 4 * near[i] : 0));
  return normalise(values);
}

describe('createScan', () => {
  it('counts differing bits as plain code does', () => {
    const random = seeded(1);
    const scan = createScan('distances', 64, 8);
    const codes = Array.from({ length: 5 }, () => Int8Array.from({ length: 64 }, () => random() * 256));
    codes.forEach((code, slot) => {
      scan.record(slot).set(code);
    });
    scan.query.set(codes[2]);
    const bits = (byte: number) => (byte & 255).toString(2).replaceAll('0', '').length;
    const plain = codes.map((code) => code.reduce((sum, byte, i) => sum + bits(byte ^ codes[2][i]), 0));
    expect([...scan.run(Int32Array.of(4, 3, 2, 1, 0))]).toEqual(plain.reverse());
  });

  it('multiplies as plain code does, and grows as records are added', () => {
    const random = seeded(2);
    const scan = createScan('products', 192, 4_000);
    const short = () => Int16Array.from({ length: 96 }, () => (random() - 0.5) * 4_000);
    const query = short();
    scan.query.set(new Int8Array(query.buffer));
    const vectors = Array.from({ length: 3_000 }, short);
    vectors.forEach((vector, slot) => {
      scan.record(slot).set(new Int8Array(vector.buffer));
    });
    const chosen = Int32Array.of(0, 7, 2_999);
    const plain = [...chosen].map((slot) => vectors[slot].reduce((sum, value, i) => sum + value * query[i], 0));
    expect([...scan.run(chosen)]).toEqual(plain);
  });
});

describe('SemanticIndex', () => {
  it('finds the nearest of a small set exactly, and only of that set', () => {
    const random = seeded(3);
    const index = new SemanticIndex(dimensions, 100);
    const vectors = Array.from({ length: 100 }, () => randomVector(random));
    const slots = Int32Array.from(vectors, (vector) => index.add(vector));
    expect(index.nearest(vectors[40], slots, 1)[0]).toEqual({ slot: slots[40], similarity: expect.closeTo(1, 3) });
    expect(index.nearest(vectors[40], slots.slice(0, 40), 3).map(({ slot }) => slot)).not.toContain(slots[40]);
  });

  it('finds the nearest of a large set by its two stages', () => {
    const random = seeded(4);
    const index = new SemanticIndex(dimensions, 6_000);
    const centres = Array.from({ length: 60 }, () => randomVector(random));
    const vectors = Array.from({ length: 6_000 }, (_, i) => randomVector(random, centres[i % 60]));
    const slots = Int32Array.from(vectors, (vector) => index.add(vector));
    const found = Array.from(
      { length: 50 },
      (_, i) => index.nearest(vectors[i * 7], slots, 1)[0].slot === slots[i * 7],
    );
    expect(found.every(Boolean)).toBe(true);
  });

  it('uses a slot that was freed again', () => {
    const random = seeded(5);
    const index = new SemanticIndex(dimensions, 2);
    const first = index.add(randomVector(random));
    index.free(first);
    const vector = randomVector(random);
    expect(index.add(vector)).toBe(first);
    expect(index.nearest(vector, Int32Array.of(first), 1)[0].similarity).toBeCloseTo(1, 3);
  });
});
