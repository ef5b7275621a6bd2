import { describe, expect, it } from 'vitest';
import { backendAddress, operatorHeaders } from '../../src/backend/backend-request.ts';
import { backendConfig } from './recording-sink.ts';

describe('the address of a backend', () => {
  it.each([
    ['https://api.openai.com/v1', '/chat/completions', 'https://api.openai.com', '/v1/chat/completions'],
    ['http://127.0.0.1:11434/v1/', '/models?a=b', 'http://127.0.0.1:11434', '/v1/models?a=b'],
    ['http://localhost:8000', '/models', 'http://localhost:8000', '/models'],
    [
      'https://x.example/openai/d?api-version=1',
      '/embeddings',
      'https://x.example',
      '/openai/d/embeddings?api-version=1',
    ],
    ['https://x.example/d?v=1', '/files?limit=2', 'https://x.example', '/d/files?limit=2&v=1'],
  ])('%s with %s', (baseUrl, path, origin, target) => {
    const address = backendAddress(baseUrl);
    expect(address.origin).toBe(origin);
    expect(address.target(path)).toBe(target);
  });
});

describe('the headers of the operator', () => {
  const added = (overrides: Record<string, unknown>, headers: string[] = []) =>
    operatorHeaders(backendConfig({ kind: 'openai', ...overrides }))(headers);

  it('carry the key as a bearer token, in place of any other', () => {
    expect(added({ api_key: 'sk-1' }, ['Authorization', 'theirs', 'a', 'b'])).toEqual([
      'a',
      'b',
      'authorization',
      'Bearer sk-1',
    ]);
  });

  it.each(['api-key', 'Authorization', 'x-api-key'])('carry no bearer token beside a configured %s', (name) => {
    expect(added({ api_key: 'sk-1', headers: { [name]: 'v' } })).toEqual([name, 'v']);
  });

  it('leave a client its own credential, and a client without one without one', () => {
    expect(added({ api_key: 'sk-1', credentials: 'client' }, ['Authorization', 'theirs'])).toEqual([
      'Authorization',
      'theirs',
    ]);
    expect(added({ api_key: 'sk-1', credentials: 'client' })).toEqual([]);
  });

  it('replace those of the same name, whatever its spelling', () => {
    const headers = { 'OpenAI-Project': 'ours' };
    expect(added({ headers }, ['openai-project', 'theirs', 'x', '1'])).toEqual(['x', '1', 'OpenAI-Project', 'ours']);
  });
});
