/**
 * Golden probes: texts whose vectors are written down beside the model. A model that does not give them again (a file
 * swapped under its name, another tokenizer, a broken runtime) is refused before a request meets it.
 */
import { ShuntError } from '../base/errors.ts';
import { dot, normalise } from '../base/vector.ts';
import type { Embedder } from './contract.ts';
import type { Probe } from './model-card.ts';
import type { Dtype } from './model-directory.ts';

export interface ProbeReport {
  readonly probes: number;
  /** The lowest cosine between a vector given and the vector expected; 1 without probes. */
  readonly worst: number;
  /** Its first 60 characters. */
  readonly worstText: string;
  readonly required: number;
  readonly passed: boolean;
}

/** int8 kernels differ a little between processors; fp32 ones in the last digits only. */
const requiredCosine: Readonly<Record<Dtype, number>> = { fp32: 0.9999, fp16: 0.999, int8: 0.999 };

export async function runProbes(embedder: Embedder, probes: readonly Probe[], dtype: Dtype): Promise<ProbeReport> {
  let worst = 1;
  let worstText = '';
  for (const probe of probes) {
    const [{ vector }] = await embedder.embed([probe.text], { role: probe.role });
    // NaN must not pass.
    const cosine = vector.length === probe.vector.length ? cosineOf(vector, probe.vector) : -1;
    if (!(cosine >= worst)) {
      worst = Number.isNaN(cosine) ? -1 : cosine;
      worstText = probe.text.slice(0, 60);
    }
  }
  const required = requiredCosine[dtype];
  return { probes: probes.length, worst, worstText, required, passed: worst >= required };
}

/** Throws `bad_model` when a probe fails. */
export async function requireProbes(embedder: Embedder, probes: readonly Probe[], dtype: Dtype): Promise<void> {
  const report = await runProbes(embedder, probes, dtype);
  if (report.passed) return;
  const { name, version } = embedder.identity;
  throw new ShuntError(
    'bad_model',
    `${name}@${version} does not give the vectors in its card: cosine ${report.worst.toFixed(5)} on ${JSON.stringify(report.worstText)}, ` +
      `${report.required} is required. Its weights, tokenizer or settings have changed; restore them, or add the model anew under another version.`,
  );
}

function cosineOf(vector: Float32Array, expected: readonly number[]): number {
  // Written with few digits, so its length is not quite 1. A text without tokens is zero on both sides.
  const unit = normalise(Float32Array.from(expected));
  return vector.some((value) => value !== 0) || unit.some((value) => value !== 0) ? dot(vector, unit) : 1;
}
