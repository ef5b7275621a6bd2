import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkGate, type Gate, readGate } from '../../src/evaluation/gate.ts';
import { annotationsOf, junitOf } from '../../src/evaluation/gate-output.ts';
import { reportOfSketches, sketches } from './reports.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-gate-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function gate(yaml: string): Promise<Gate> {
  const file = join(folder, 'gate.yaml');
  await writeFile(file, yaml);
  return readGate(file);
}

const report = reportOfSketches(sketches(100, (row) => row >= 10));
const failedKeys = (lines: ReturnType<typeof checkGate>) =>
  lines.filter((line) => !line.passed).map((line) => line.key);

describe('a gate', () => {
  it('passes what holds and names what does not, with the figures', async () => {
    const lines = checkGate(
      await gate(
        'minimum: { rows: 100, accuracy: 0.95, coverage: 1 }\nmaximum: { fallback_rate: 0, latency_p99_ms: 0.5 }\n',
      ),
      report,
      null,
    );
    expect(lines).toHaveLength(5);
    expect(failedKeys(lines)).toEqual(['minimum.accuracy', 'maximum.latency_p99_ms']);
    expect(lines[1].words).toBe('0.9000, at least 0.95 is required');
  });

  it('holds every route to the floors of *, and a named one to its own', async () => {
    const floors = 'per_route:\n  "*": { recall: 0.95 }\n  a: { precision: 0.5, recall: 0.5 }\n';
    expect(failedKeys(checkGate(await gate(floors), report, null))).toEqual([]);
    expect(failedKeys(checkGate(await gate('per_route: { "*": { recall: 0.95 } }'), report, null))).toEqual([
      'per_route.a.recall',
    ]);
  });

  it('fails on a route that the report does not have, and on a figure that it cannot have', async () => {
    const lines = checkGate(
      await gate('minimum: { oos_recall: 0.5 }\nper_route: { zzz: { recall: 0.1 } }'),
      report,
      null,
    );
    expect(failedKeys(lines)).toEqual(['minimum.oos_recall', 'per_route.zzz']);
    expect(lines[0].words).toMatch(/no figure/);
  });

  it('holds a regression against a baseline: a fall that chance does not explain', async () => {
    const terms = await gate('regression: { baseline: before.json, accuracy: 0.01 }');
    expect(terms.regression?.baseline).toBe(join(folder, 'before.json'));
    const before = reportOfSketches(sketches(100, () => true));
    expect(failedKeys(checkGate(terms, report, before))).toEqual(['regression.accuracy']);
    const alike = reportOfSketches(sketches(100, (row) => row >= 8));
    // Two rows of a hundred: worse, but no more than chance would do.
    expect(failedKeys(checkGate(terms, report, alike))).toEqual([]);
    const other = reportOfSketches(sketches(10, () => true).map((row) => ({ ...row, text: `other ${row.text}` })));
    expect(checkGate(terms, report, other)[0].words).toMatch(/only 0 of the baseline's 10 rows/);
  });

  it('that is misspelt is a fault with line and fix', async () => {
    await expect(gate('minimum:\n  acuracy: 0.9\n')).rejects.toThrow(/gate\.yaml:2 minimum\.acuracy/);
    await expect(readGate(join(folder, 'none.yaml'))).rejects.toThrow(/does not exist/);
  });
});

describe("a gate's lines", () => {
  const lines = [
    { key: 'minimum.accuracy', passed: true, words: '0.9' },
    { key: 'per_route.a<b.precision', passed: false, words: '50% "bad"\nreally' },
  ];
  it('are JUnit XML, escaped', () => {
    const xml = junitOf(lines, 'gate.yaml');
    expect(xml).toContain('<testsuite name="gate.yaml" tests="2" failures="1">');
    expect(xml).toContain('per_route.a&lt;b.precision: 50% &quot;bad&quot;');
  });
  it('are GitHub annotations of what failed, on one line each', () => {
    expect(annotationsOf(lines, 'ci/gate.yaml')).toEqual([
      '::error file=ci/gate.yaml,title=shunt eval gate::per_route.a<b.precision: 50%25 "bad"%0Areally',
    ]);
  });
});
