import { describe, expect, it } from 'vitest';
import { createSimulatedBackend } from '../../src/backend/simulated.ts';
import { systemClock } from '../../src/base/clock.ts';
import { backendContract } from './backend-contract.ts';
import { ask, backendConfig, hello } from './recording-sink.ts';

backendContract('the simulated backend', {
  async open(limits) {
    const backend = createSimulatedBackend('demo', backendConfig(limits), systemClock);
    return { backend, close: () => backend.close() };
  },
});

describe('faults by rate', () => {
  const statuses = async (simulation: Record<string, unknown>) => {
    const backend = createSimulatedBackend('demo', backendConfig({ simulation }), systemClock);
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(backend)));
    return answers.map((answer) => answer.status);
  };

  it('come at about the rate that was asked for, the same on every run', async () => {
    const first = await statuses({ error_rate: 0.25, error_status: 503, seed: 3 });
    const failed = first.filter((status) => status === 503).length;
    expect(failed).toBeGreaterThan(25);
    expect(failed).toBeLessThan(80);
    expect(await statuses({ error_rate: 0.25, error_status: 503, seed: 3 })).toEqual(first);
    expect(await statuses({ error_rate: 0.25, error_status: 503, seed: 4 })).not.toEqual(first);
  });

  it('cut streams short without their end', async () => {
    const config = backendConfig({ simulation: { truncation_rate: 1 } });
    const answer = await ask(createSimulatedBackend('demo', config, systemClock), { body: { ...hello, stream: true } });
    expect(answer.events.at(-1)).toBe('end');
    expect(answer.text()).toContain('"content"');
    expect(answer.text()).not.toContain('[DONE]');
    expect(answer.text()).not.toContain('"finish_reason":"');
  });
});
