/** What serves, what was swapped out, and who still holds it. */
import { describe, expect, it } from 'vitest';
import { createSwitch } from '../../src/lifecycle/switch.ts';

/** Values are 1, 2, 3 …; `wrong` makes the next `prepare`, or every `retire`, fail. */
function counting() {
  const retired: string[] = [];
  const failures: unknown[] = [];
  const wrong = { prepare: false, retire: false };
  let made = 0;
  const values = createSwitch<number>({
    prepare: async () => {
      if (wrong.prepare) throw new Error('the config is broken');
      return ++made;
    },
    retire: async (previous, next) => {
      if (wrong.retire) throw new Error('it will not close');
      retired.push(`${previous} for ${next}`);
    },
    onRetireFailed: (error) => failures.push(error),
  });
  return { values, retired, failures, wrong };
}

function request() {
  let finish = () => {};
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return { ended, finish };
}

describe('createSwitch', () => {
  it('retires at once what nobody holds', async () => {
    const { values, retired } = counting();
    await values.reload();
    await values.reload();
    expect([values.current(), retired]).toEqual([2, ['1 for 2']]);
  });

  it('retires what was swapped out when its last request has ended, and not before', async () => {
    const { values, retired } = counting();
    await values.reload();
    const [first, second] = [request(), request()];
    const work = [values.use(() => first.ended), values.use(() => second.ended)];
    for (let i = 0; i < 3; i++) await values.reload();
    expect(retired).toEqual(['2 for 3', '3 for 4']);
    first.finish();
    await work[0];
    expect(retired).toHaveLength(2);
    second.finish();
    await work[1];
    expect(retired.at(-1)).toBe('1 for 2');
  });

  it('gives a request the value that it began with', async () => {
    const { values } = counting();
    await values.reload();
    const running = request();
    const seen = values.use(async (value) => {
      await running.ended;
      return value;
    });
    await values.reload();
    running.finish();
    expect(await seen).toBe(1);
    expect(await values.use((value) => value)).toBe(2);
  });

  it('lets go of a value when the work with it failed', async () => {
    const { values, retired } = counting();
    await values.reload();
    await expect(values.use(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await values.reload();
    expect(retired).toEqual(['1 for 2']);
  });

  it('serves on with the old value when the new one cannot be prepared', async () => {
    const { values, retired, wrong } = counting();
    await values.reload();
    wrong.prepare = true;
    await expect(values.reload()).rejects.toThrow('the config is broken');
    expect([values.current(), retired]).toEqual([1, []]);
  });

  it('tells of what cannot be closed, and goes on', async () => {
    const { values, failures, wrong } = counting();
    await values.reload();
    wrong.retire = true;
    await values.reload();
    await values.close();
    expect(failures.map(String)).toEqual(['Error: it will not close', 'Error: it will not close']);
  });

  it('shares one reload among those who ask while another runs', async () => {
    const { values } = counting();
    const first = values.reload();
    const [second, third] = [values.reload(), values.reload()];
    expect(await Promise.all([first, second, third])).toEqual([1, 2, 2]);
  });

  it('retires everything when it is closed, held or not', async () => {
    const { values, retired } = counting();
    await values.reload();
    void values.use(() => new Promise(() => {}));
    await values.reload();
    await values.close();
    expect(retired).toEqual(['1 for 2', '2 for null']);
  });
});
