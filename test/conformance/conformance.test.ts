/** Nothing that passes through the proxy may be told from what comes straight from the backend, but for what is listed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checks } from './checks.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

describe.each([...new Set(checks.map((check) => check.point))])('%s', (point) => {
  const ofPoint = checks.filter((check) => check.point === point);
  test.each(ofPoint.map((check) => [check.name, check] as const))('%s', async (_name, check) => {
    const { direct, through } = await check.run(stage);
    if (check.differs === undefined) expect(through).toBe(direct);
    // A difference that is listed but gone is a row that no longer tells the truth.
    else expect(through).not.toBe(direct);
  });
});
