import { expect, test } from 'vitest';
import { requestId } from '../../src/base/request-id.ts';

test('request ids are UUIDs of version 7: in order of time, and never the same', () => {
  const ids = [1, 1_000, 1_795_199_221_000].map((now) => requestId(now));
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect([...ids].sort()).toEqual(ids);
  expect(requestId(5)).not.toBe(requestId(5));
});
