/** What reaches the client of a stream of events, however it is cut on its way, and when it breaks. */
import { bytesText, type Check, compare, headersText } from '../check.ts';
import { chunked, openChunked, type Script } from '../scripted-backend.ts';
import type { Run, Stage } from '../stage.ts';

const eventStream = [
  'content-type: text/event-stream; charset=utf-8',
  'cache-control: no-cache',
  'x-request-id: req_9',
];
const whole = ({ answer }: Run) => `${answer.status} ${bytesText(answer.body)}${answer.whole ? '' : ', cut'}`;

function body(options?: string): string {
  const more = options === undefined ? '' : `,"stream_options":${options}`;
  return `{"model":"gpt-large","messages":[{"role":"user","content":"x"}],"stream":true${more}}`;
}

const send = (stage: Stage, script: Script, options?: string) =>
  stage.both({ headers: ['content-type', 'application/json'], body: body(options) }, script);

const delta = (content: string, more = '') =>
  `data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}},"finish_reason":null}]${more}}\n\n`;
const stop = (more = '') => `data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]${more}}\n\n`;
const usage = 'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}\n\n';
const done = 'data: [DONE]\n\n';
const role =
  'data: {"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n';

/** As OpenAI does: with include_usage every chunk carries `usage`, null until the last. */
const asOpenAi: Script = ({ body: sent }) => {
  const asked = sent.includes('"include_usage":true');
  const nothing = asked ? ',"usage":null,"obfuscation":"x1"' : ',"obfuscation":"x1"';
  return chunked(eventStream, [
    role,
    delta('héllo', nothing),
    delta('say ,"usage":null to me', nothing),
    stop(asked ? ',"usage":null' : ''),
    ...(asked ? [usage] : []),
    done,
  ]);
};

/** Cut anew at every `size` bytes, through events and characters. */
function cutEvery(size: number, text: string): Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

const plainStream = role + delta('héllo') + delta('🙂 wörld') + stop() + usage + done;

/** Streams that must pass as they are when the client asked for usage itself. */
const passing: readonly (readonly [name: string, pieces: readonly (Buffer | string)[]])[] = [
  ['events as OpenAI sends them', [role, delta('a'), stop(), usage, done]],
  ['CRLF lines', [plainStream.replaceAll('\n', '\r\n')]],
  ['comments between events', [': ping\n\n', role, ': OPENROUTER PROCESSING\n\n', delta('a'), stop(), usage, done]],
  ['chunks cut inside UTF-8 and inside events (7 bytes)', cutEvery(7, plainStream)],
  ['chunks cut inside CRLF (5 bytes)', cutEvery(5, plainStream.replaceAll('\n', '\r\n'))],
  ['single bytes', cutEvery(1, plainStream)],
  ['several events in a chunk', [plainStream]],
  [
    'data over several lines, id, retry and unknown fields',
    [
      `id: 1\nretry: 10\nnovel: x\ndata: {"choices":[{"delta":{"content":"a"},\ndata: "finish_reason":null}]}\n\n${stop()}${done}`,
    ],
  ],
  ['data without the blank after the colon', [plainStream.replaceAll('data: ', 'data:')]],
  [
    'a tool call in pieces',
    [
      role,
      'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\\"a"}}]}}]}\n\n',
      stop(),
      done,
    ],
  ],
  [
    'reasoning and members nobody knows',
    ['data: {"choices":[{"delta":{"reasoning_content":"hm","novel":12345678901234567890}}]}\n\n', stop(), done],
  ],
  [
    'usage on a chunk with choices',
    [role, delta('a', ',"usage":{"prompt_tokens":1,"completion_tokens":1}'), stop(), done],
  ],
  ['an event of 2 MB', [role, delta('long '.repeat(400_000)), stop(), done]],
  ['what follows [DONE]', [role, delta('a'), stop(), done, ': bye\n\n']],
];

export const streamChecks: readonly Check[] = [
  ...passing.map(
    ([name, pieces]): Check => ({
      point: 'SSE',
      name,
      run: async (stage) =>
        compare(await send(stage, () => chunked(eventStream, pieces), '{"include_usage":true}'), whole),
    }),
  ),
  ...(['{"include_usage":true}', '{"include_usage":false}', '{"include_obfuscation":true}', undefined] as const).map(
    (options): Check => ({
      point: '`stream_options.include_usage`',
      name: `the stream that a client with ${options === undefined ? 'no stream_options' : `stream_options ${options}`} sees`,
      run: async (stage) => compare(await send(stage, asOpenAi, options), whole),
    }),
  ),
  {
    point: 'SSE',
    name: 'cache-control where the backend sends none',
    differs: 'an event stream must not be stored on its way',
    run: async (stage) =>
      compare(
        await send(stage, () => chunked(['content-type: text/event-stream'], [role, delta('a'), stop(), done])),
        ({ answer }) => headersText(answer.headers, /^cache-control$/i),
      ),
  },
  {
    point: '`[DONE]`',
    name: 'the stream ends with it',
    run: async (stage) =>
      compare(await send(stage, asOpenAi), ({ answer }) => JSON.stringify(answer.body.toString('utf8').slice(-14))),
  },
  {
    point: 'SSE',
    name: 'headers (in lower case: Node spells transfer-encoding its own way)',
    run: async (stage) =>
      compare(await send(stage, asOpenAi), ({ answer }) =>
        headersText(answer.headers, /^(content-type|cache-control|transfer-encoding|x-request-id)$/i).toLowerCase(),
      ),
  },
  {
    point: 'SSE',
    name: 'x-accel-buffering',
    differs: 'a reverse proxy in front of this one must not hold a stream back',
    run: async (stage) =>
      compare(await send(stage, asOpenAi), ({ answer }) => headersText(answer.headers, /^x-accel-buffering$/i)),
  },
  {
    point: 'error inside a 200 stream',
    name: 'after the first words it passes as it is',
    run: async (stage) =>
      compare(
        await send(stage, () =>
          chunked(eventStream, [
            role,
            delta('a'),
            'data: {"error":{"message":"overloaded","type":"server_error","code":"overloaded"}}\n\n',
          ]),
        ),
        whole,
      ),
  },
  {
    point: '`[DONE]`',
    name: 'a stream that stops without its end',
    differs: 'SDKs take truncation for success: an error event makes it visible',
    run: async (stage) => compare(await send(stage, () => chunked(eventStream, [role, delta('a')])), whole),
  },
  {
    point: '`[DONE]`',
    name: 'a stream whose connection is reset',
    differs: 'an error event says so in words, then the stream ends in good order',
    run: async (stage) =>
      compare(await send(stage, () => [...openChunked(eventStream, [role, delta('a')]), 50, 'reset']), whole),
  },
];
