import { describe, expect, it } from 'vitest';
import { forwardedRequestHeaders, forwardedResponseHeaders, headerValue } from '../../src/backend/headers.ts';

const config = { credentials: 'config', identity: false } as const;

describe('request headers', () => {
  it('go on in their order and spelling, duplicates too', () => {
    const raw = [
      'Content-Type',
      'application/json',
      'X-Dup',
      '1',
      'OpenAI-Beta',
      'a=b',
      'x-dup',
      '2',
      'traceparent',
      '00-1-2-01',
    ];
    expect(forwardedRequestHeaders(raw, config)).toEqual(raw);
  });

  it.each([
    'OpenAI-Organization',
    'X-Stainless-Retry-Count',
    'Idempotency-Key',
    'traceparent',
    'tracestate',
    'anthropic-version',
    'user-agent',
    'accept',
    'x-request-id',
    'x-sim',
    'cache-control',
  ])('include %s', (name) => {
    expect(forwardedRequestHeaders([name, 'v'], config)).toEqual([name, 'v']);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authorization',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'HTTP2-Settings',
    'Host',
    'Content-Length',
    'Expect',
    'X-Shunt-Route',
    'x-shunt-session',
    'x-shunt-anything',
  ])('leave out %s, whose credential ever goes upstream', (name) => {
    expect(forwardedRequestHeaders([name, 'v'], config)).toEqual([]);
    expect(forwardedRequestHeaders([name, 'v'], { credentials: 'client', identity: true })).toEqual([
      'accept-encoding',
      'identity',
    ]);
  });

  it.each(['Authorization', 'api-key', 'X-API-Key', 'x-goog-api-key', 'Cookie'])(
    'keep the credential %s from a backend of the operator',
    (name) => {
      expect(forwardedRequestHeaders([name, 'secret'], config)).toEqual([]);
      expect(forwardedRequestHeaders([name, 'secret'], { credentials: 'client', identity: false })).toEqual([
        name,
        'secret',
      ]);
    },
  );

  it('leave out what Connection names', () => {
    const raw = [
      'connection',
      'keep-alive, X-Hop',
      'Connection',
      'x-other',
      'x-hop',
      '1',
      'X-Other',
      '2',
      'x-kept',
      '3',
    ];
    expect(forwardedRequestHeaders(raw, config)).toEqual(['x-kept', '3']);
  });

  it('ask for an answer that can be read when it must be metered', () => {
    const raw = ['Accept-Encoding', 'gzip', 'accept-encoding', 'br', 'accept', '*/*'];
    expect(forwardedRequestHeaders(raw, { credentials: 'config', identity: true })).toEqual([
      'accept',
      '*/*',
      'accept-encoding',
      'identity',
    ]);
    expect(forwardedRequestHeaders(raw, config)).toEqual(raw);
  });

  it('keep the length of an upload that goes on unchanged', () => {
    const raw = ['Content-Length', '12', 'host', 'x'];
    expect(forwardedRequestHeaders(raw, { ...config, keepLength: true })).toEqual(['Content-Length', '12']);
  });
});

describe('response headers', () => {
  it('go on in their order and spelling, duplicates too', () => {
    const raw = [
      ...['X-Request-Id', 'req_1', 'x-ratelimit-remaining-tokens', '5', 'retry-after', '1', 'retry-after-ms', '900'],
      ...[
        'Set-Cookie',
        'a=1',
        'set-cookie',
        'b=2',
        'openai-processing-ms',
        '7',
        'content-encoding',
        'gzip',
        'date',
        'x',
      ],
    ];
    expect(forwardedResponseHeaders(raw, { keepLength: true })).toEqual(raw);
  });

  it('leave out what belongs to the connection, what only we may say, and other addresses of the backend', () => {
    const raw = [
      'Connection',
      'close, X-Hop',
      'x-hop',
      '1',
      'Transfer-Encoding',
      'chunked',
      'Keep-Alive',
      'timeout=5',
      'X-Shunt-Route',
      'fake',
      'alt-svc',
      'h3=":443"',
    ];
    expect(forwardedResponseHeaders(raw, { keepLength: true })).toEqual([]);
  });

  it('keep the length only of a body that goes out as it came', () => {
    expect(forwardedResponseHeaders(['Content-Length', '5'], { keepLength: true })).toEqual(['Content-Length', '5']);
    expect(forwardedResponseHeaders(['Content-Length', '5'], { keepLength: false })).toEqual([]);
  });
});

describe('a header by name', () => {
  it('is found whatever its spelling, the first of several, and null without one', () => {
    const raw = ['X-A', '1', 'x-a', '2', 'x-empty', ''];
    expect(headerValue(raw, 'x-a')).toBe('1');
    expect(headerValue(raw, 'x-empty')).toBe('');
    expect(headerValue(raw, 'x-b')).toBeNull();
    expect(headerValue(['v', 'x-a'], 'x-a')).toBeNull();
  });
});
