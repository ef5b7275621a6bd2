/** Generated requests: methods, paths, headers and bodies that are mostly what an endpoint expects, and at times anything. */
import fc from 'fast-check';

export const method = fc.oneof(
  { weight: 20, arbitrary: fc.constant('POST') },
  { weight: 3, arbitrary: fc.constantFrom('GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT', 'PATCH') },
);

const segment = fc.oneof(
  fc.constantFrom(
    'v1',
    '..',
    '.',
    '',
    '%2e%2e',
    '%00',
    '%',
    '%ff',
    ';',
    'models',
    'auto:facts',
    'chat',
    'admin',
    'decisions',
  ),
  fc.string({ unit: fc.constantFrom(...'ab0-_~!$&()*+,;=:@%.?#[]{}|^"<>`') }),
);
export const path = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/responses',
      '/v1/messages',
      '/v1/embeddings',
      '/v1/route',
      '/v1/moderations',
      '/v1/files',
    ),
  },
  { weight: 2, arbitrary: fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`) },
);

const headerName = fc.constantFrom(
  ...['x-shunt-route', 'x-shunt-session', 'x-shunt-tags', 'cache-control', 'content-type', 'authorization', 'api-key'],
  ...['accept', 'accept-encoding', 'traceparent', 'idempotency-key', 'openai-organization', 'te', 'range'],
  ...['anthropic-version', 'x-api-key', 'x-request-id', 'if-none-match', 'cookie', 'forwarded'],
);
const headerValue = fc.oneof(
  fc.constantFrom('off', 'facts', 'fallback', 'auto', 'no-store', 'no-cache, max-age=0', 'application/json', 'gzip'),
  fc.constantFrom('Bearer x', 'multipart/form-data; boundary=', 'a'.repeat(2_000), 'text/event-stream', ',,,;=', '{}'),
  // Every byte that a header may hold, Latin-1 included.
  fc
    .array(fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }), fc.constant(9)), {
      maxLength: 30,
    })
    .map((codes) => String.fromCharCode(...codes)),
);
export const headers = fc.array(
  fc.tuple(headerName, headerValue).map(([name, value]) => `${name}: ${value}`),
  { maxLength: 5 },
);

export const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('Translate to French: good day', 'What is the capital of Italy?', '\ud800', '\0', 'x'.repeat(20_000)),
);
export const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  text,
  fc.constantFrom(null, -1, 1e308, 0.1, true, [], {}),
);
const part = fc.record(
  {
    type: fc.constantFrom('text', 'image_url', 'input_audio', 'tool_result', 'x'),
    text: anything,
    image_url: anything,
  },
  { requiredKeys: ['type'] },
);
/** Mostly what is meant, at times anything: a request that fails at its first field tests nothing behind it. */
export const mostly = <T>(meant: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: meant }, { weight: 1, arbitrary: anything });
export const message = mostly(
  fc.record(
    {
      role: mostly(fc.constantFrom('user', 'user', 'assistant', 'system', 'tool', 'developer')),
      content: mostly(fc.oneof(text, fc.array(mostly(part), { maxLength: 3 }))),
      tool_calls: fc.oneof(fc.array(anything, { maxLength: 2 }), anything),
      tool_call_id: anything,
    },
    { requiredKeys: ['role', 'content'] },
  ),
);
const fields = fc.record(
  {
    model: mostly(fc.constantFrom('auto', 'auto', 'small', 'large', 'default', 'auto:facts', '__proto__', 'nobody')),
    messages: mostly(fc.array(message, { minLength: 1, maxLength: 5 })),
    input: mostly(fc.oneof(text, fc.array(fc.oneof(text, message), { maxLength: 4 }))),
    prompt: mostly(text),
    text: mostly(text),
    stream: mostly(fc.boolean()),
    stream_options: mostly(fc.record({ include_usage: fc.boolean() })),
    temperature: mostly(fc.constantFrom(0, 0.5, 1)),
    n: fc.constantFrom(0, 1, 2, null, 'x'),
    max_tokens: fc.constantFrom(1, 50, 50, 0, -1, null, 'x'),
    tools: anything,
    response_format: anything,
    dimensions: fc.constantFrom(1, 8, 0, -1, 1e9, 'x', null),
    encoding_format: fc.constantFrom('float', 'base64', 'x', null),
    previous_response_id: mostly(fc.constant(null)),
    system: anything,
  },
  { requiredKeys: ['model', 'messages', 'input', 'prompt', 'text'] },
);
const json = fields.map((value) => Buffer.from(JSON.stringify(value)));
export const body = fc.oneof(
  { weight: 20, arbitrary: json },
  // Cut somewhere, or with a member twice, or with bytes that are no UTF-8.
  { weight: 2, arbitrary: fc.tuple(json, fc.nat(2_000)).map(([bytes, end]) => bytes.subarray(0, end)) },
  {
    weight: 2,
    arbitrary: fc.tuple(json, fc.nat(500), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([bytes, at, noise]) => {
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(json, json)
      .map(([a, b]) => Buffer.concat([a.subarray(0, -1), Buffer.from(','), b.subarray(1)])),
  },
  { weight: 1, arbitrary: fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 100_000 }).map((depth) => {
      const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
      return Buffer.from(`{"model":"auto","messages":[{"role":"user","content":${nested}}],"input":${nested}}`);
    }),
  },
);
