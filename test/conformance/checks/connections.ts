/** Going away, breaking off, and what is passed raw both ways. */
import { bytesText, type Check, compare, headersText } from '../check.ts';
import { chunked, openChunked, plain, type Script } from '../scripted-backend.ts';
import type { Run } from '../stage.ts';

const json = ['content-type', 'application/json'] as const;
const chat = (stream: boolean) => `{"model":"gpt-large","messages":[{"role":"user","content":"x"}],"stream":${stream}}`;
const backendSaw = (run: Run) => (run.abandoned ? 'the backend sees the connection close' : 'the backend goes on');
const eventStream = ['content-type: text/event-stream'];
const event = 'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n';
const whole = ({ answer }: Run) => `${answer.status} ${bytesText(answer.body)}${answer.whole ? '' : ', cut'}`;

function leaving(name: string, options: { stream: boolean; leaveAfter: number; script: Script }): Check {
  return {
    point: 'abort',
    name,
    run: async (stage) =>
      compare(
        await stage.both({ headers: json, body: chat(options.stream), leaveAfter: options.leaveAfter }, options.script),
        backendSaw,
      ),
  };
}

const upload = Buffer.concat([
  Buffer.from(
    '--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\ncontent-type: audio/wav\r\n\r\n',
  ),
  Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256)),
  Buffer.from('\r\n--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--\r\n'),
]);
const noise = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 7) % 256));
const received = (run: Run) => bytesText(run.received[0]?.body ?? Buffer.from('nothing came'));

export const connectionChecks: readonly Check[] = [
  leaving('before the headers, without streaming', { stream: false, leaveAfter: 0, script: () => ['hang'] }),
  leaving('before the headers of a stream', { stream: true, leaveAfter: 0, script: () => ['hang'] }),
  leaving('in the midst of a stream', {
    stream: true,
    leaveAfter: 40,
    script: () => [...openChunked(eventStream, [event]), 'hang'],
  }),
  leaving('in the midst of a plain answer', {
    stream: false,
    leaveAfter: 10,
    script: () => [
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"id":"12345678901234567890"',
      'hang',
    ],
  }),
  {
    point: 'abort',
    name: 'a plain answer that the backend cuts is cut for the client',
    run: async (stage) =>
      compare(
        await stage.both({ headers: json, body: chat(false) }, () => [
          'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"id":',
          50,
          'reset',
        ]),
        whole,
      ),
  },
  {
    point: 'multipart, audio, binary',
    name: 'an upload reaches the backend byte for byte',
    run: async (stage) =>
      compare(
        await stage.both(
          { path: '/audio/transcriptions', headers: ['content-type', 'multipart/form-data; boundary=b'], body: upload },
          () => [plain('200 OK', ['content-type: application/json'], '{"text":"hi"}')],
        ),
        (run) => `${headersText(run.received[0]?.headers ?? [], /^content-/i)} ${received(run)}`,
      ),
  },
  {
    point: 'multipart, audio, binary',
    name: 'speech comes back byte for byte, chunk by chunk',
    run: async (stage) =>
      compare(
        await stage.both(
          { path: '/audio/speech', headers: json, body: '{"model":"tts","input":"x","voice":"v"}' },
          () => chunked(['content-type: audio/mpeg'], [noise.subarray(0, 9), noise.subarray(9)]),
        ),
        (run) => `${headersText(run.answer.headers, /^content-type$/i)} ${whole(run)}`,
      ),
  },
  {
    point: 'multipart, audio, binary',
    name: 'an image edit is uploaded with its query and answered as it is',
    run: async (stage) =>
      compare(
        await stage.both(
          {
            path: '/images/edits?beta=true',
            headers: ['content-type', 'multipart/form-data; boundary=b'],
            body: upload,
          },
          () => [plain('200 OK', ['content-type: application/json'], '{"data":[{"b64_json":"AA=="}]}')],
        ),
        (run) => `${run.received[0]?.line} ${received(run)} ${whole(run)}`,
      ),
  },
  {
    point: 'compression',
    name: 'accept-encoding of an endpoint that is not metered',
    run: async (stage) =>
      compare(
        await stage.both(
          { path: '/moderations', headers: [...json, 'Accept-Encoding', 'gzip, br'], body: '{"input":"x"}' },
          () => [plain('200 OK', ['content-type: application/json'], '{}')],
        ),
        (run) => headersText(run.received[0]?.headers ?? [], /^accept-encoding$/i),
      ),
  },
  {
    point: 'embeddings',
    name: 'a model of a backend: body and base64 answer byte for byte',
    run: async (stage) =>
      compare(
        await stage.both(
          {
            path: '/embeddings',
            headers: json,
            body: '{"model":"gpt-large","input":["a"],"encoding_format":"base64","x":1.0}',
          },
          () => [
            plain(
              '200 OK',
              ['content-type: application/json'],
              '{"data":[{"embedding":"AACAPwAAAAA=","index":0}],"usage":{"prompt_tokens":1}}',
            ),
          ],
        ),
        (run) => `${received(run)} ${whole(run)}`,
      ),
  },
];
