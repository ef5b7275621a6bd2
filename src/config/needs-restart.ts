/** The parts of a config that are built once for the life of the process: a reload cannot take a change of them. */
import type { Config } from './schema.ts';

/** Keys whose change takes effect at the next start. */
export function needsRestart(running: Config, next: Config): string[] {
  const [before, after] = [Object.entries(fixedParts(running)), Object.values(fixedParts(next))];
  return before.filter(([, value], i) => JSON.stringify(value) !== JSON.stringify(after[i])).map(([key]) => key);
}

function fixedParts(config: Config): Readonly<Record<string, unknown>> {
  return {
    // Origins are taken at a reload: the endpoints are built anew with them.
    server: { ...config.server, cors_origins: undefined },
    ledger: config.ledger,
    telemetry: config.telemetry,
    'budgets.webhook': config.budgets.webhook ?? null,
    'routing.pin_ttl': config.routing.pin_ttl,
    'routing.pin_max': config.routing.pin_max,
    'cache.semantic': { ...config.cache.semantic, max_error: undefined, compare: undefined, judge: undefined },
    'cache.exact': { ...config.cache.exact, ttl: undefined, max_temperature: undefined },
  };
}
