/**
 * A route's decision record as text: what its owner must be able to answer, in the order of the questions. What the
 * card leaves open is shown with the value that then holds, or as not stated; nothing is measured here.
 */
import { relative } from 'node:path';
import type { Config, ThresholdPolicy } from '../config/schema.ts';
import type { Route } from '../routing/route.ts';
import { dayText } from './approval.ts';

/** `config` is null when there is none to take defaults from. */
export function decisionRecord(route: Route, config: Config | null): string {
  const routing = config?.routing;
  const rows: [string, string][] = [
    ['purpose', route.description || 'not stated'],
    ['owner', route.owner || 'not stated'],
    ['target', targetText(route, config)],
    ['fallback', routing?.fallback ?? 'routing.fallback'],
    ['examples', `${route.examples.length}, and ${route.counterExamples.length} counter-examples`],
    ['threshold', thresholdText(route.threshold ?? routing?.threshold ?? null)],
    ['margin', numberText(route.margin ?? routing?.margin)],
    ['reject below', numberText(route.rejectBelow ?? routing?.reject_below)],
    ['cache', cacheText(route, config)],
    ['slo', route.addedLatencyP99Ms === null ? 'not stated' : `added latency p99 ≤ ${route.addedLatencyP99Ms} ms`],
    ['evaluation', route.evaluation === null ? 'not stated' : relative(process.cwd(), route.evaluation)],
    ['embedding', route.embedding],
    ['rollback', route.rollback],
    ['card', relative(process.cwd(), route.file)],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return [route.name, ...rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`)].join('\n');
}

export function thresholdText(threshold: ThresholdPolicy | null): string {
  if (threshold === null) return "the index's default";
  if (typeof threshold === 'number') return `score ≥ ${threshold}`;
  if ('cosine' in threshold) return `cosine ≥ ${threshold.cosine}`;
  return `precision ${threshold.precision} asked for`;
}

function numberText(value: number | null | undefined): string {
  return value === null || value === undefined ? "the index's default" : String(value);
}

function targetText({ target, answer }: Route, config: Config | null): string {
  if (answer === null) return target ?? `${config?.routing.default_target ?? 'default_target'} (the default)`;
  const { text, approvedAt, owner } = answer;
  const approved = approvedAt === null ? 'not approved' : `approved ${dayText(approvedAt)}`;
  return `the fixed answer "${text.length > 60 ? `${text.slice(0, 60)}…` : text}", ${approved}, by ${owner ?? 'nobody'}`;
}

function cacheText({ cache }: Route, config: Config | null): string {
  if (cache.mode === 'none') return 'none';
  const ttlMs = cache.ttl ?? config?.cache.exact.ttl ?? null;
  const temperature = cache.max_temperature ?? config?.cache.exact.max_temperature ?? null;
  const bounds = [
    ttlMs === null ? '' : `, for ${ttlMs / 1000} s`,
    temperature === null ? '' : `, up to temperature ${temperature}`,
  ];
  return `${cache.mode}${bounds.join('')}`;
}
