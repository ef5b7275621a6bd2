/**
 * How a sentence-embedding model wants to be used, read from the files that sentence-transformers, Optimum and model2vec
 * write beside the weights: pooling, maximum length, prefixes, static or transformer. Knows no other family of configs;
 * where a file is missing the library's own default applies.
 *
 *     modules.json                       the steps: Transformer | StaticEmbedding, Pooling, Normalize, Dense
 *     1_Pooling/config.json              which pooling
 *     sentence_bert_config.json          max_seq_length
 *     config_sentence_transformers.json  prompts (prefixes)
 *     config.json                        model_type, hidden_size, max_position_embeddings
 *     tokenizer_config.json              model_max_length, truncation_side
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { ModelCard } from './model-card.ts';
import type { Truncation } from './tokenizer.ts';

export interface ExportSettings {
  readonly kind: ModelCard['kind'];
  readonly pooling: Exclude<ModelCard['pooling'], 'none'>;
  readonly maxTokens: number;
  /** As the configs say; null when they do not. */
  readonly dimensions: number | null;
  readonly prefixes: { readonly query: string; readonly document: string };
  readonly truncation: Truncation;
  readonly dropUnknown: boolean;
  /** A Dense step follows pooling, so the graph must hold it. */
  readonly hasDense: boolean;
  readonly modelName: string;
}

const modules = z.array(z.object({ path: z.string().default(''), type: z.string() }));
const pooling = z.record(z.string(), z.unknown());
const lengths = z.object({ max_seq_length: z.number().nullish() });
const prompts = z.object({ prompts: z.record(z.string(), z.string().nullable()).nullish() });
const config = z.object({
  _name_or_path: z.string().default(''),
  model_type: z.string().default(''),
  hidden_size: z.number().int().optional(),
  hidden_dim: z.number().int().optional(),
  max_position_embeddings: z.number().int().optional(),
});
const tokenizerConfig = z.object({
  model_max_length: z.number().optional(),
  truncation_side: z.enum(['left', 'right']).default('right'),
});

/** Positions of these start after the padding token, so two of them cannot be used. */
const offsetPositions = new Set(['roberta', 'xlm-roberta', 'camembert', 'mpnet', 'xlm-roberta-xl']);
const defaultMaxTokens = 512;
/** Static models have no positions; this bounds the work of one text to about half a millisecond. */
const staticMaxTokens = 2_048;

export async function readExportSettings(folder: string): Promise<ExportSettings> {
  const steps = (await readJson(join(folder, 'modules.json'), modules)) ?? [];
  const main = (await readJson(join(folder, 'config.json'), config)) ?? config.parse({});
  const tokens = (await readJson(join(folder, 'tokenizer_config.json'), tokenizerConfig)) ?? tokenizerConfig.parse({});
  const length = await readJson(join(folder, 'sentence_bert_config.json'), lengths);
  const poolingStep = steps.find((step) => step.type.endsWith('Pooling'));
  const poolingFile = join(folder, poolingStep?.path || '1_Pooling', 'config.json');
  const poolingConfig = await readJson(poolingFile, pooling);
  const isStatic = main.model_type === 'model2vec' || steps.some((step) => step.type.endsWith('StaticEmbedding'));
  return {
    kind: isStatic ? 'static' : 'transformer',
    pooling: poolingConfig ? poolingOf(poolingConfig, poolingFile) : 'mean',
    maxTokens: isStatic ? staticMaxTokens : maxTokensOf(length?.max_seq_length, tokens.model_max_length, main),
    dimensions: dimensionsOf(poolingConfig, main),
    prefixes: prefixesOf((await readJson(join(folder, 'config_sentence_transformers.json'), prompts))?.prompts ?? {}),
    truncation: tokens.truncation_side,
    dropUnknown: main.model_type === 'model2vec',
    hasDense: steps.some((step) => step.type.endsWith('Dense')),
    modelName: main._name_or_path,
  };
}

/** Parses a JSON file; null when there is none. Throws `bad_model` naming the file, the key and what is wrong. */
export async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(file, messageOf(error), error);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const words =
      error instanceof z.ZodError
        ? error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
        : messageOf(error);
    throw unreadable(file, words, error);
  }
}

function unreadable(file: string, words: string, cause: unknown): ShuntError {
  return new ShuntError('bad_model', `${file} cannot be used: ${words}. Fetch the file again, or mend it.`, { cause });
}

const poolingModes = {
  pooling_mode_cls_token: 'cls',
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_lasttoken: 'last',
  // Mean and mean over the square root of the length differ by a factor, which normalising takes out again.
  pooling_mode_mean_sqrt_len_tokens: 'mean',
} as const;

function poolingOf(values: Record<string, unknown>, file: string): ExportSettings['pooling'] {
  const named = values.pooling_mode;
  if (named === 'mean' || named === 'cls') return named;
  if (named === 'lasttoken') return 'last';
  const wanted = Object.keys(values).filter((key) => key.startsWith('pooling_mode_') && values[key] === true);
  const mode = poolingModes[wanted[0] as keyof typeof poolingModes];
  if (wanted.length === 1 && mode) return mode;
  const found = named === undefined ? wanted.join(' + ') || 'none' : String(named);
  throw new ShuntError(
    'bad_model',
    `${file} asks for pooling ${found}; mean, cls and last are supported. Use an export whose graph has a sentence_embedding output.`,
  );
}

function maxTokensOf(
  sequence: number | null | undefined,
  model: number | undefined,
  main: z.output<typeof config>,
): number {
  const positions = main.max_position_embeddings;
  const room =
    positions === undefined ? Number.POSITIVE_INFINITY : positions - (offsetPositions.has(main.model_type) ? 2 : 0);
  // Tokenizers without a limit write 1e30.
  const asked = sequence ?? (model !== undefined && model < 1_000_000 ? model : undefined);
  const limit = Math.min(asked ?? room, room);
  return Number.isFinite(limit) && limit > 0 ? limit : defaultMaxTokens;
}

function dimensionsOf(poolingConfig: Record<string, unknown> | null, main: z.output<typeof config>): number | null {
  const written = poolingConfig?.word_embedding_dimension ?? poolingConfig?.embedding_dimension;
  if (typeof written === 'number') return written;
  return main.hidden_size ?? main.hidden_dim ?? null;
}

function prefixesOf(named: Readonly<Record<string, string | null>>): ExportSettings['prefixes'] {
  return { query: named.query ?? '', document: named.document ?? named.passage ?? '' };
}
