/** How long one request may take over all its attempts: `routing.total_ms`, or as long as the most patient backend. */
import type { Config } from '../config/schema.ts';

export function requestTotalMs(config: Config): number {
  return config.routing.total_ms ?? Math.max(...Object.values(config.backends).map(({ total_ms }) => total_ms));
}
