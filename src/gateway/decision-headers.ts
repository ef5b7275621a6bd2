/** The headers by which an answer says what was decided: `x-shunt-*` and the standard `server-timing`. */
import type { ClientRequest } from './client-request.ts';
import { rejectionReason } from './guard.ts';
import type { Plan } from './plan-form.ts';

export interface Decided {
  readonly plan: Plan;
  /** Config name of the model that answers; another than the target after a failover. */
  readonly model: string;
  readonly cache: 'hit' | 'semantic' | 'miss' | 'bypass';
  readonly addedMs: number;
  /** The parameter that the target did not take, when that is why another model answers. */
  readonly rejected?: string | null;
  /** The target was not asked: it has been failing lately. */
  readonly skipped?: boolean;
}

/** Names and values in turn. `x-shunt-route` is the route, `fallback`, or `none` for a model asked for by name. */
export function decisionHeaders(request: ClientRequest, decided: Decided): string[] {
  const { plan, model, cache, addedMs } = decided;
  const failedOver = model !== plan.target;
  const headers = [
    'x-shunt-request-id',
    request.id,
    'x-shunt-route',
    shownRoute(plan, failedOver),
    'x-shunt-reason',
    failedOver ? failoverReason(decided) : plan.reason,
    'x-shunt-model',
    model,
    'x-shunt-cache',
    cache,
    'server-timing',
    `shunt;dur=${addedMs.toFixed(3)}, embed;dur=${plan.embedMs.toFixed(3)}, match;dur=${plan.matchMs.toFixed(3)}`,
  ];
  if (plan.match !== null) headers.push('x-shunt-score', plan.match.score.toFixed(4));
  return headers;
}

/** Why another model than the target answers. */
export function failoverReason({ rejected = null, skipped = false }: Pick<Decided, 'rejected' | 'skipped'>): string {
  if (rejected !== null) return rejectionReason(rejected);
  return skipped ? 'target-unavailable' : 'failover';
}

export function setHeaders(request: ClientRequest, headers: readonly string[]): void {
  for (let i = 0; i + 1 < headers.length; i += 2) request.outgoing.setHeader(headers[i], headers[i + 1]);
}

function shownRoute(plan: Plan, failedOver: boolean): string {
  if (!plan.routed) return 'none';
  if (failedOver || plan.route === null) return 'fallback';
  return plan.route;
}
