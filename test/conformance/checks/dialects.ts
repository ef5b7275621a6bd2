/** The other dialects: completions, Responses and Anthropic's messages, byte for byte both ways. */
import { bytesText, type Check, compare, headersText } from '../check.ts';
import { chunked, plain, type Script } from '../scripted-backend.ts';
import type { Run } from '../stage.ts';

const json = ['content-type', 'application/json'] as const;
const eventStream = ['content-type: text/event-stream; charset=utf-8', 'cache-control: no-cache'];
const sentAndSeen = ({ received, answer }: Run) => {
  const [asked] = received;
  return `${asked?.line} ${bytesText(asked?.body ?? Buffer.from(''))} ─► ${answer.status} ${bytesText(answer.body)}`;
};

interface Asked {
  readonly point: string;
  readonly name: string;
  readonly path: string;
  readonly body: string;
  readonly script: Script;
  readonly headers?: readonly string[];
  readonly differs?: string;
  readonly view?: (run: Run) => string;
}

function check({ point, name, path, body, script, headers = [], differs, view = sentAndSeen }: Asked): Check {
  return {
    point,
    name,
    differs,
    run: async (stage) => compare(await stage.both({ path, headers: [...json, ...headers], body }, script), view),
  };
}

const answered =
  (body: string, status = '200 OK'): Script =>
  () => [plain(status, ['content-type: application/json', 'request-id: req_1'], body)];

const event = (type: string, rest = '') => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;
const response =
  '{"id":"resp_1","object":"response","status":"completed","usage":{"input_tokens":1,"output_tokens":2},"novel":1.0}';
const responseEvents = [
  event('response.created', `,"response":${response.replace('completed', 'in_progress')}`),
  event('response.in_progress', ',"novel":12345678901234567890'),
  event('response.output_text.delta', ',"delta":"h\\u00e9 \\"response.completed\\""'),
  event('response.completed', `,"response":${response}`),
];
const message =
  '{"id":"msg_1","type":"message","content":[{"type":"text","text":"hé"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}';
const messageEvents = [
  event('message_start', `,"message":${message}`),
  event('content_block_start', ',"index":0,"content_block":{"type":"text","text":""}'),
  event('ping'),
  event('content_block_delta', ',"index":0,"delta":{"type":"text_delta","text":"hé"}'),
  event('content_block_stop', ',"index":0'),
  event('message_delta', ',"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}'),
  event('message_stop'),
];
const claude = '"model":"claude","max_tokens":9,"messages":[{"role":"user","content":"x"}]';
const anthropicHeaders = ['anthropic-version', '2023-06-01', 'anthropic-beta', 'a,b', 'x-stainless-lang', 'js'];

export const dialectChecks: readonly Check[] = [
  check({
    point: 'completions',
    name: 'request and answer',
    path: '/completions',
    body: '{"model":"gpt-large","prompt":"x","seed":12345678901234567890,"novel":1.0}',
    script: answered('{"id":"cmpl-1","choices":[{"text":" é","index":0,"finish_reason":"stop"}],"novel":1.0}'),
  }),
  check({
    point: 'completions',
    name: 'a stream that asks for usage',
    path: '/completions',
    body: '{"model":"gpt-large","prompt":"x","stream":true,"stream_options":{"include_usage":true}}',
    script: () =>
      chunked(eventStream, [
        'data: {"choices":[{"text":"a","index":0,"finish_reason":null}],"usage":null}\n\n',
        'data: [DONE]\n\n',
      ]),
  }),
  check({
    point: 'Responses API',
    name: 'request and answer',
    path: '/responses?novel=1',
    body: '{"model":"gpt-large","input":[{"role":"user","content":[{"type":"input_text","text":"x"}]}],"novel":1.0}',
    script: answered(response),
  }),
  check({
    point: 'Responses API',
    name: 'a stream of named events; nothing is added to the request',
    path: '/responses',
    body: '{"model":"gpt-large","input":"x","stream":true}',
    script: () => chunked(eventStream, responseEvents),
  }),
  check({
    point: 'Responses API',
    name: 'a stream cut at every 11 bytes',
    path: '/responses',
    body: '{"model":"gpt-large","input":"x","stream":true}',
    script: () => chunked(eventStream, cutEvery(11, responseEvents.join(''))),
  }),
  check({
    point: 'Responses API',
    name: 'a stream that fails by response.failed',
    path: '/responses',
    body: '{"model":"gpt-large","input":"x","stream":true}',
    script: () =>
      chunked(eventStream, [
        responseEvents[0],
        responseEvents[2],
        event('response.failed', ',"response":{"id":"resp_1","status":"failed","error":{"code":"server_error"}}'),
      ]),
  }),
  check({
    point: 'Responses API',
    name: 'the last event is larger than 1 MB',
    path: '/responses',
    body: '{"model":"gpt-large","input":"x","stream":true}',
    script: () =>
      chunked(eventStream, [
        ...responseEvents.slice(0, 3),
        event('response.completed', `,"image":"${'A'.repeat(3 << 20)}"`),
      ]),
  }),
  check({
    point: 'Anthropic messages',
    name: 'request and answer, with the query of the SDK’s beta calls',
    path: '/messages?beta=true',
    body: `{${claude},"novel":1.0,"big":12345678901234567890}`,
    script: answered(message),
  }),
  check({
    point: 'Anthropic messages',
    name: 'headers to the backend and back',
    path: '/messages',
    body: `{${claude}}`,
    headers: anthropicHeaders,
    script: answered(message),
    view: ({ received, answer }) =>
      `${headersText(received[0]?.headers ?? [], /^(anthropic-|x-stainless)/i)} ─► ${headersText(answer.headers, /^request-id$/i)}`,
  }),
  check({
    point: 'Anthropic messages',
    name: 'x-api-key',
    path: '/messages',
    body: `{${claude}}`,
    headers: ['X-Api-Key', 'sk-client'],
    script: answered(message),
    view: ({ received }) => headersText(received[0]?.headers ?? [], /^(x-api-key|authorization)$/i),
    differs: "the operator's key goes upstream, in Anthropic's own header",
  }),
  check({
    point: 'Anthropic messages',
    name: 'a stream with pings',
    path: '/messages',
    body: `{${claude},"stream":true}`,
    script: () => chunked(eventStream, messageEvents),
  }),
  check({
    point: 'Anthropic messages',
    name: 'a stream cut at every 3 bytes',
    path: '/messages',
    body: `{${claude},"stream":true}`,
    script: () => chunked(eventStream, cutEvery(3, messageEvents.join(''))),
  }),
  check({
    point: 'Anthropic messages',
    name: 'an error inside the stream',
    path: '/messages',
    body: `{${claude},"stream":true}`,
    script: () =>
      chunked(eventStream, [
        messageEvents[0],
        event('error', ',"error":{"type":"overloaded_error","message":"Overloaded"}'),
      ]),
  }),
  check({
    point: 'Anthropic messages',
    name: 'an error passes byte for byte',
    path: '/messages',
    body: `{${claude}}`,
    script: answered(
      '{ "type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1" }',
      '529 Overloaded',
    ),
  }),
  check({
    point: 'Anthropic messages',
    name: 'count_tokens',
    path: '/messages/count_tokens',
    body: `{${claude.replace('"max_tokens":9,', '')},"novel":1.0}`,
    script: answered('{"input_tokens":7}'),
  }),
];

function cutEvery(size: number, text: string): Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}
