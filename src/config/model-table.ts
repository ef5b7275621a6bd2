/**
 * What public models cost and can do, as their providers said: list prices in dollars per million tokens, standard tier,
 * with where each figure stands and the day it was read or is dated there. A price in `shunt.yaml` or `prices.file` comes
 * before these. Figures were read on the provider's own page where a comment below says so, and otherwise
 * agree in two or more lists that quote it (`source` is the page to check them against); what is not here is unpriced,
 * which reports show. Batch, priority and regional prices, and prices by the hour of day, are not.
 */
import type { Ability } from './schema.ts';

interface WrittenRates {
  readonly input: string;
  readonly cached_input?: string;
  readonly cache_write?: string;
  readonly output: string;
  readonly reasoning?: string;
  readonly per_request?: string;
}

interface WrittenTiers {
  readonly above?: readonly (WrittenRates & { readonly input_tokens: number })[];
}

/** As `usd_per_million` is written in a config; `price-schema.ts` reads it. */
export interface WrittenPrice extends WrittenRates, WrittenTiers {
  readonly later?: readonly (WrittenRates & WrittenTiers & { readonly from: string })[];
}

export interface TableEntry {
  /** Whose price it is: the host of the backend's `base_url` says so. */
  readonly provider: Provider;
  /** As the provider calls it; a dated name (`NAME-2026-01-31`, `NAME-20260131`) or `NAME-latest` is the same model. */
  readonly name: string;
  readonly usd_per_million: WrittenPrice;
  /** Tokens. */
  readonly context?: number;
  readonly abilities?: readonly Ability[];
  readonly source: string;
  /** Day on which the figure was read, or to which its source dates it. */
  readonly date: string;
}

export type Provider = 'openai' | 'anthropic' | 'google' | 'groq' | 'xai';

/** Host names of the providers' own APIs. The same model elsewhere (a cloud, a reseller) has another price. */
export const providerHosts: Readonly<Record<string, Provider>> = {
  'api.openai.com': 'openai',
  'api.anthropic.com': 'anthropic',
  'generativelanguage.googleapis.com': 'google',
  'api.groq.com': 'groq',
  'api.x.ai': 'xai',
};

const all: readonly Ability[] = ['tools', 'json_schema', 'vision', 'reasoning'];
const plain: readonly Ability[] = ['tools', 'json_schema', 'vision'];

export const modelTable: readonly TableEntry[] = [
  ...openai(),
  ...anthropic(),
  ...google(),
  ...[
    groq('openai/gpt-oss-120b', { input: '0.15', cached_input: '0.075', output: '0.60' }, ['tools', 'reasoning']),
    groq('llama-3.3-70b-versatile', { input: '0.59', output: '0.79' }, ['tools']),
    groq('llama-3.1-8b-instant', { input: '0.05', output: '0.08' }, ['tools']),
  ],
  ...[
    xai('grok-4.5', { input: '2.00', output: '6.00' }, 500_000),
    xai('grok-4.3', { input: '1.25', output: '2.50' }, 1_000_000),
  ],
];

/** Read on OpenAI's own pages: gpt-6.1-sol, gpt-5.6-luna, gpt-5-nano, gpt-4, text-embedding-3-large. */
function openai(): TableEntry[] {
  const entry = (
    name: string,
    usd_per_million: WrittenPrice,
    [context, abilities]: readonly [number, readonly Ability[]],
  ): TableEntry => ({
    provider: 'openai',
    name,
    usd_per_million,
    context,
    abilities,
    source: 'https://developers.openai.com/api/docs/pricing',
    date: '2026-11-20',
  });
  const million = 1_050_000;
  const long = 272_000;
  return [
    entry('gpt-6-astra', { input: '10', cached_input: '1', output: '50' }, [million, all]),
    entry(
      'gpt-6.1-sol',
      {
        ...{ input: '2', cached_input: '0.10', cache_write: '2.50', output: '10' },
        above: [{ input_tokens: long, input: '4', cached_input: '0.20', cache_write: '5', output: '15' }],
      },
      // Its tools need the Responses API; chat completions take none.
      [million, ['json_schema', 'vision', 'reasoning']],
    ),
    entry('gpt-6-sol', { input: '2', cached_input: '0.20', output: '10' }, [million, all]),
    entry(
      'gpt-5.6-sol',
      {
        ...{ input: '4', cached_input: '0.40', cache_write: '5', output: '20' },
        above: [{ input_tokens: long, input: '8', cached_input: '0.80', cache_write: '10', output: '30' }],
      },
      [million, all],
    ),
    entry(
      'gpt-5.6-terra',
      {
        ...{ input: '2', cached_input: '0.20', cache_write: '2.50', output: '12' },
        above: [{ input_tokens: long, input: '4', cached_input: '0.40', cache_write: '5', output: '18' }],
      },
      [million, all],
    ),
    entry(
      'gpt-5.6-luna',
      {
        ...{ input: '0.20', cached_input: '0.02', cache_write: '0.25', output: '1.20' },
        above: [{ input_tokens: long, input: '0.40', cached_input: '0.04', cache_write: '0.50', output: '1.80' }],
      },
      [million, all],
    ),
    entry('gpt-5.5', { input: '5', cached_input: '0.50', output: '30' }, [million, all]),
    entry('gpt-5.4', { input: '2.50', cached_input: '0.25', output: '15' }, [million, all]),
    entry('gpt-5.4-mini', { input: '0.75', cached_input: '0.075', output: '4.50' }, [400_000, all]),
    entry('gpt-5', { input: '1.25', cached_input: '0.125', output: '10' }, [400_000, all]),
    entry('gpt-5-mini', { input: '0.25', cached_input: '0.025', output: '2' }, [400_000, all]),
    entry('gpt-5-nano', { input: '0.05', cached_input: '0.005', output: '0.40' }, [400_000, all]),
    entry('gpt-4.1', { input: '2', cached_input: '0.50', output: '8' }, [1_047_576, plain]),
    entry('gpt-4.1-mini', { input: '0.40', cached_input: '0.10', output: '1.60' }, [1_047_576, plain]),
    entry('gpt-4.1-nano', { input: '0.10', cached_input: '0.025', output: '0.40' }, [1_047_576, plain]),
    entry('gpt-4o', { input: '2.50', cached_input: '1.25', output: '10' }, [128_000, plain]),
    entry('gpt-4o-mini', { input: '0.15', cached_input: '0.075', output: '0.60' }, [128_000, plain]),
    entry('o3', { input: '2', cached_input: '0.50', output: '8' }, [200_000, all]),
    entry('o4-mini', { input: '1.10', cached_input: '0.275', output: '4.40' }, [200_000, all]),
    entry('gpt-4', { input: '30', output: '60' }, [8_192, ['tools']]),
    entry('text-embedding-3-large', { input: '0.13', output: '0' }, [8_191, []]),
    entry('text-embedding-3-small', { input: '0.02', output: '0' }, [8_191, []]),
  ];
}

/** Read on Anthropic's own pages, but for claude-haiku-5-5's cache reads, which two lists give alike. */
function anthropic(): TableEntry[] {
  /** Cache writes are those of the five-minute cache, which is the default. */
  const entry = (
    name: string,
    [input, cache_write, cached_input, output]: readonly [string, string, string, string],
    context = 1_000_000,
    above?: WrittenTiers['above'],
  ): TableEntry => ({
    provider: 'anthropic',
    name,
    usd_per_million: { input, cached_input, cache_write, output, ...(above ? { above } : {}) },
    context,
    abilities: all,
    source: 'https://platform.claude.com/docs/en/about-claude/pricing',
    date: '2026-11-20',
  });
  return [
    entry('claude-fable-5-1', ['10', '12.50', '0.25', '50']),
    entry('claude-fable-5', ['10', '12.50', '1', '50']),
    entry('claude-opus-5-5', ['4', '5', '0.20', '20']),
    entry('claude-opus-5', ['5', '6.25', '0.50', '25']),
    entry('claude-opus-4-8', ['5', '6.25', '0.50', '25']),
    entry('claude-opus-4-7', ['5', '6.25', '0.50', '25']),
    entry('claude-opus-4-6', ['5', '6.25', '0.50', '25']),
    entry('claude-opus-4-5', ['5', '6.25', '0.50', '25'], 200_000),
    entry('claude-sonnet-5-5', ['2', '2.50', '0.10', '10']),
    entry('claude-sonnet-5', ['2', '2.50', '0.20', '10']),
    entry('claude-sonnet-4-6', ['3', '3.75', '0.30', '15']),
    entry('claude-sonnet-4-5', ['3', '3.75', '0.30', '15'], 200_000),
    entry('claude-haiku-5-5', ['0.10', '0.125', '0.01', '0.50'], 1_000_000, [
      { input_tokens: 100_000, input: '0.50', cache_write: '0.625', cached_input: '0.05', output: '2.50' },
    ]),
    entry('claude-haiku-4-5', ['1', '1.25', '0.10', '5'], 200_000),
  ];
}

/** From lists that quote Google's page, with their days. */
function google(): TableEntry[] {
  const entry = (name: string, usd_per_million: WrittenPrice, date: string): TableEntry => ({
    provider: 'google',
    name,
    usd_per_million,
    context: 1_048_576,
    abilities: all,
    source: 'https://ai.google.dev/gemini-api/docs/pricing',
    date,
  });
  return [
    entry(
      'gemini-3.8-flash',
      {
        ...{ input: '0.75', cached_input: '0.075', output: '3.75' },
        later: [{ from: '2027-01-01', input: '1.50', cached_input: '0.15', output: '7.50' }],
      },
      '2026-10-07',
    ),
    entry('gemini-3.5-flash', { input: '1.50', output: '9.00' }, '2026-06-30'),
    entry(
      'gemini-3.1-pro-preview',
      { input: '2.00', output: '12.00', above: [{ input_tokens: 200_000, input: '4.00', output: '18.00' }] },
      '2026-06-30',
    ),
    entry('gemini-3.1-flash-lite', { input: '0.25', cached_input: '0.025', output: '1.50' }, '2026-06-30'),
  ];
}

/** From lists that quote Groq's page. */
function groq(name: string, usd_per_million: WrittenPrice, abilities: readonly Ability[]): TableEntry {
  const source = 'https://console.groq.com/docs/models';
  return { provider: 'groq', name, usd_per_million, context: 131_072, abilities, source, date: '2026-11-20' };
}

/** From a reseller's page that says it compared its prices with xAI's own on that day. */
function xai(name: string, usd_per_million: WrittenPrice, context: number): TableEntry {
  const source = 'https://docs.x.ai/docs/models';
  return { provider: 'xai', name, usd_per_million, context, abilities: all, source, date: '2026-07-13' };
}
