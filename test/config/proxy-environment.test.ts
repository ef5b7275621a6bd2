import { describe, expect, test } from 'vitest';
import { proxyFor } from '../../src/config/proxy-environment.ts';

const env = {
  HTTPS_PROXY: 'http://proxy:3128',
  http_proxy: 'plain:3128',
  NO_PROXY: 'internal.example, .local.net,other:8443,10.0.0.5',
};

describe('the proxy that the environment names', () => {
  test.each([
    ['https://api.openai.com/v1', 'http://proxy:3128'],
    ['http://models.example/v1', 'http://plain:3128'],
    ['https://internal.example', undefined],
    ['https://deep.internal.example', undefined],
    ['https://notinternal.example', 'http://proxy:3128'],
    ['https://a.local.net', undefined],
    ['https://other:8443/v1', undefined],
    ['https://other/v1', 'http://proxy:3128'],
    ['http://10.0.0.5:8000', undefined],
    ['http://127.0.0.1:11434/v1', undefined],
    ['https://localhost/v1', undefined],
  ])('for %s', (url, proxy) => {
    expect(proxyFor(url, env)).toBe(proxy);
  });

  test('is none where everything is exempt, or nothing is set', () => {
    expect(proxyFor('https://api.openai.com', { ...env, no_proxy: '*' })).toBeUndefined();
    expect(proxyFor('https://api.openai.com', {})).toBeUndefined();
    expect(proxyFor(undefined, env)).toBeUndefined();
  });
});
