/** The routes that come with the package, and their frozen evaluation rows. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadRoutes } from '../../src/routing/load.ts';
import type { Route } from '../../src/routing/route.ts';

const folder = resolve(import.meta.dirname, '../../routes');
const rowsOf = (file: string) =>
  readFileSync(resolve(folder, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; text: string; route: string | null });

let routes: readonly Route[];

beforeAll(async () => {
  const loaded = await loadRoutes(folder, { modelNames: ['small', 'large'], evaluationSets: 'must-exist' });
  routes = loaded.routes;
});

describe('the shipped routes', () => {
  test('are at least twelve, each with many examples, counter-examples and an owner', () => {
    expect(routes.length).toBeGreaterThanOrEqual(12);
    for (const route of routes) {
      expect(route.examples.length, route.name).toBeGreaterThanOrEqual(25);
      expect(route.counterExamples.length, route.name).toBeGreaterThanOrEqual(10);
      expect(route.owner, route.name).not.toBe('');
    }
  });

  test('keep their evaluation rows frozen', () => {
    const [digest, name] = readFileSync(resolve(folder, 'eval/SHA256SUMS'), 'utf8').trim().split(/\s+/);
    const bytes = readFileSync(resolve(folder, 'eval', name));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
  });

  test.each(['eval/shipped.jsonl', 'tune/shipped.jsonl'])(
    'know every route of %s, a third of which belongs to none',
    (file) => {
      const rows = rowsOf(file);
      const names = new Set(routes.map((route) => route.name));
      expect(rows.length).toBeGreaterThanOrEqual(600);
      expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
      for (const row of rows) if (row.route !== null) expect(names).toContain(row.route);
      expect(rows.filter((row) => row.route === null).length / rows.length).toBeGreaterThanOrEqual(1 / 3);
    },
  );

  test('were taught by no row that they are judged by, but for the shortest', () => {
    const taught = new Set(routes.flatMap((route) => route.examples.map(key)));
    const shared = rowsOf('eval/shipped.jsonl').filter((row) => taught.has(key(row.text)));
    expect(shared.length).toBeLessThanOrEqual(15);
  });
});

function key(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
