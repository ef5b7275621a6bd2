/** A route as a card with nothing but a name and examples would have it. */
import type { Route } from '../src/routing/route.ts';

export function plainRoute(name: string, examples: readonly string[]): Route {
  return {
    name,
    description: '',
    owner: '',
    file: '',
    target: null,
    examples,
    counterExamples: [],
    threshold: null,
    margin: null,
    rejectBelow: null,
    answer: null,
    cache: { mode: 'none', forced: false, tool_loop: false },
    addedLatencyP99Ms: null,
    evaluation: null,
    embedding: 'default',
    rollback: 'previous',
  };
}
