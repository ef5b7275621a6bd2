/** What reaches the client of a plain answer: status, headers, the body byte for byte; and of an error. */
import { gzipSync } from 'node:zlib';
import { bytesText, type Check, type Comparison, compare, headersText } from '../check.ts';
import { plain, type Script } from '../scripted-backend.ts';
import type { Run, Stage } from '../stage.ts';

const body = '{"model":"gpt-large","messages":[{"role":"user","content":"x"}]}';
const json = ['content-type: application/json'] as const;
const whole = ({ answer }: Run) => `${answer.status} ${bytesText(answer.body)}`;
const headers = (wanted: RegExp) => (run: Run) => headersText(run.answer.headers, wanted);
const own = /^(x-shunt-.*|server-timing|connection|keep-alive|transfer-encoding)$/i;

async function ask(stage: Stage, answer: Buffer, view: (run: Run) => string, model = 'gpt-large'): Promise<Comparison> {
  const script: Script = () => [answer];
  return compare(
    await stage.both({ headers: ['content-type', 'application/json'], body: body.replace('gpt-large', model) }, script),
    view,
  );
}

const answerText =
  '{ "id":"chatcmpl-1","object":"chat.completion","created":17e8,"model":"gpt-large-2026-01-01","big":12345678901234567890,' +
  '"choices":[{"index":0,"message":{"role":"assistant","content":"h\\u00e9llo 🙂 \\/"},"finish_reason":"stop","novel":1.0}],' +
  '"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3} }\n';

const providerHeaders = [
  'x-request-id: req_123',
  'openai-organization: org-1',
  'openai-processing-ms: 12',
  'OpenAI-Version: 2020-10-01',
  'x-ratelimit-limit-requests: 500',
  'x-ratelimit-remaining-tokens: 19',
  'x-ratelimit-reset-tokens: 6m0s',
  'anthropic-ratelimit-requests-remaining: 3',
  'cf-ray: 8a',
  'Set-Cookie: a=1; Path=/',
  'Set-Cookie: b=2; Path=/',
  'x-unheard-of: \u00e9t\u00e9',
];

const bodies: readonly (readonly [name: string, status: string, contentType: string, body: Buffer | string])[] = [
  ['a chat completion, with members and numbers as they were spelt', '200 OK', 'application/json', answerText],
  ['an answer that is no JSON', '200 OK', 'text/html', '<html>captive portal</html>'],
  ['an answer that is no UTF-8', '200 OK', 'application/json', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ['an empty answer', '200 OK', 'application/json', ''],
  ['an answer of 3 MB', '200 OK', 'application/json', `{"id":"${'x'.repeat(3 << 20)}"}`],
];

const errors: readonly (readonly [status: string, extra: readonly string[], body: string])[] = [
  [
    '400 Bad Request',
    [],
    '{\n  "error": {\n    "message": "no",\n    "type": "invalid_request_error",\n    "param": null,\n    "code": null\n  }\n}',
  ],
  ['401 Unauthorized', ['www-authenticate: Bearer'], '{"error":{"message":"bad key","code":"invalid_api_key"}}'],
  ['403 Forbidden', [], '{"error":{"message":"region","type":"permission_error"}}'],
  ['404 Not Found', [], '{"error":{"message":"no such model","code":"model_not_found","novel":[1]}}'],
  ['409 Conflict', [], '{"error":{"message":"conflict"}}'],
  ['413 Payload Too Large', [], '{"error":{"message":"too large"}}'],
  ['422 Unprocessable Entity', [], '{"detail":[{"loc":["body"],"msg":"field required"}]}'],
  [
    '429 Too Many Requests',
    ['retry-after: 20', 'retry-after-ms: 20000', 'x-ratelimit-reset-requests: 20s'],
    '{"error":{"message":"slow down","code":"rate_limit_exceeded"}}',
  ],
  ['500 Internal Server Error', [], '{"error":{"message":"oops","type":"server_error"}}'],
  ['502 Bad Gateway', [], '<html>bad gateway</html>'],
  ['503 Service Unavailable', ['retry-after: 30'], '{"error":{"message":"overloaded"}}'],
  ['529 Site Overloaded', [], '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'],
];

const lastTry =
  'the proxy has tried as often as it may: `x-should-retry: false` keeps an SDK from multiplying its retries with ours';

export const answerChecks: readonly Check[] = [
  ...bodies.map(
    ([name, status, contentType, answer]): Check => ({
      point: 'answers',
      name,
      run: (stage) => ask(stage, plain(status, [`content-type: ${contentType}`], answer), whole),
    }),
  ),
  {
    point: 'response headers',
    name: 'pass in their order and spelling, repeated ones too',
    run: (stage) =>
      ask(
        stage,
        plain('200 OK', [...json, ...providerHeaders], answerText),
        headers(/^(?!x-shunt-|server-timing|date|connection|keep-alive)/i),
      ),
  },
  {
    point: '`x-request-id`',
    name: "is the backend's",
    run: (stage) => ask(stage, plain('200 OK', [...json, ...providerHeaders], answerText), headers(/^x-request-id$/i)),
  },
  {
    point: 'response headers',
    name: 'the decision is told',
    differs: 'x-shunt-* and server-timing say what was decided and how long it took',
    run: (stage) =>
      ask(
        stage,
        plain('200 OK', [...json], answerText),
        ({ answer }) =>
          answer.headers
            .flatMap((line) =>
              own.test(line.split(':')[0]) && !/^(connection|keep-alive)/i.test(line) ? [line.split(':')[0]] : [],
            )
            .join(', ') || 'none',
      ),
  },
  {
    point: 'response headers',
    name: 'alt-svc and hop-by-hop headers',
    differs: 'they speak about the connection to the backend, or name another address of it',
    run: (stage) =>
      ask(
        stage,
        plain('200 OK', [...json, 'alt-svc: h3=":443"', 'Proxy-Authenticate: Basic'], answerText),
        headers(/^(alt-svc|proxy-authenticate)$/i),
      ),
  },
  {
    point: 'response headers',
    name: 'access-control-*',
    differs: 'which web pages may read the proxy is for its own config to say (server.cors_origins)',
    run: (stage) =>
      ask(
        stage,
        plain('200 OK', [...json, 'access-control-allow-origin: *'], answerText),
        headers(/^access-control-allow-origin$/i),
      ),
  },
  ...errors.map(
    ([status, extra, answer]): Check => ({
      point: 'error body and status',
      name: `${status.slice(0, 3)} passes byte for byte`,
      run: (stage) => ask(stage, plain(status, [...json, ...extra], answer), whole),
    }),
  ),
  {
    point: 'back-off',
    name: 'retry-after, retry-after-ms and rate limits of a 429',
    run: (stage) =>
      ask(stage, plain(errors[7][0], [...json, ...errors[7][1]], errors[7][2]), headers(/^(retry-after|x-ratelimit)/i)),
  },
  {
    point: 'SDK retries',
    name: 'advice on a 503 after the last try',
    differs: lastTry,
    run: (stage) => ask(stage, plain(errors[10][0], [...json], errors[10][2]), headers(/^x-should-retry$/i)),
  },
  {
    point: 'SDK retries',
    name: 'advice on a 400',
    run: (stage) => ask(stage, plain(errors[0][0], [...json], errors[0][2]), headers(/^x-should-retry$/i)),
  },
  {
    point: 'SDK retries',
    name: 'how often a backend with max_retries: 1 is asked when it answers 500',
    differs: 'the proxy tries again itself, as configured (max_retries), before the client hears of it',
    run: (stage) =>
      ask(
        stage,
        plain('500 Internal Server Error', [...json], errors[8][2]),
        (run) => `${run.received.length} times`,
        'patient',
      ),
  },
  {
    point: 'compression',
    name: 'an answer that is compressed all the same passes as it is',
    run: (stage) =>
      ask(
        stage,
        plain('200 OK', [...json, 'content-encoding: gzip'], gzipSync(answerText)),
        (run) => `${headersText(run.answer.headers, /^content-(encoding|length)$/i)} ${whole(run)}`,
      ),
  },
  {
    point: 'answers',
    name: 'the reason phrase of the status line',
    run: (stage) => ask(stage, plain('200 OK', [...json], answerText), ({ answer }) => `${answer.status}`),
  },
];
