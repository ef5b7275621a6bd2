/** What reaches the backend of what a client sends: the body, byte for byte, and the headers. */
import { bytesText, type Check, compare, headersText } from '../check.ts';
import { plain, type Script } from '../scripted-backend.ts';
import type { Run } from '../stage.ts';

const ok: Script = () => [plain('200 OK', ['content-type: application/json'], '{"id":"x","choices":[]}')];
const json = ['content-type', 'application/json'] as const;
const sentBody = (run: Run) => bytesText(run.received[0]?.body ?? Buffer.from('nothing came'));
const sentHeaders = (wanted: RegExp) => (run: Run) => headersText(run.received[0]?.headers ?? [], wanted);

/** A body is sent to both and must arrive the same. */
function bodyCheck(
  name: string,
  body: Buffer | string,
  { differs, point = 'unknown fields' }: { differs?: string; point?: string } = {},
): Check {
  return {
    point,
    name,
    differs,
    run: async (stage) => compare(await stage.both({ headers: json, body }, ok), sentBody),
  };
}

function headerCheck(
  point: string,
  check: { name: string; headers: readonly string[]; wanted: RegExp; differs?: string },
): Check {
  const { name, headers, wanted, differs } = check;
  const body = '{"model":"gpt-large","messages":[{"role":"user","content":"x"}]}';
  return {
    point,
    name,
    differs,
    run: async (stage) => compare(await stage.both({ headers: [...json, ...headers], body }, ok), sentHeaders(wanted)),
  };
}

const message = '"messages":[{"role":"user","content":"x"}]';

export const requestChecks: readonly Check[] = [
  bodyCheck('unknown members pass', `{"model":"gpt-large",${message},"novel":{"deep":[1,{"er":null}]},"x-y":true}`),
  bodyCheck('integers beyond 2^53 keep their digits', `{"model":"gpt-large",${message},"seed":12345678901234567890}`),
  bodyCheck('numbers keep their spelling', `{"model":"gpt-large",${message},"temperature":1.0,"top_p":1e0,"x":-0}`),
  bodyCheck(
    'strings keep their escapes',
    '{"model":"gpt-large","messages":[{"role":"user","content":"\\u00e9\\/é🙂"}]}',
  ),
  bodyCheck(
    'white space, order and repeated members stay',
    `{ "a" : 1,\n\t"model" : "gpt-large", "a":2, ${message}\r\n}\n`,
  ),
  bodyCheck(
    'a word "model" deeper in the body is left alone',
    `{"model":"gpt-large",${message},"metadata":{"model":"mine"}}`,
  ),
  bodyCheck(
    'a body of 3 MB passes',
    `{"model":"gpt-large","messages":[{"role":"user","content":"${'long '.repeat(600_000)}"}]}`,
  ),
  bodyCheck('the model is named as the backend knows it', `{"model":"small",${message}}`, {
    differs: 'a configured model may have another name at its provider; no other byte of the body changes',
  }),
  {
    point: '`stream_options.include_usage`',
    name: 'asked for where the client says nothing, in the request',
    differs: 'the spend of a stream could not be known otherwise; the client does not see the extra chunk (below)',
    run: async (stage) =>
      compare(
        await stage.both({ headers: json, body: `{"model":"gpt-large",${message},"stream":true}` }, ok),
        sentBody,
      ),
  },
  bodyCheck(
    'an explicit include_usage: false stays',
    `{"model":"gpt-large",${message},"stream":true,"stream_options":{"include_usage":false}}`,
  ),
  bodyCheck(
    'an explicit include_usage: true stays',
    `{"model":"gpt-large",${message},"stream":true,"stream_options":{"include_usage":true}}`,
  ),
  bodyCheck(
    'stream_options with something else in them',
    `{"model":"gpt-large",${message},"stream":true,"stream_options":{"include_obfuscation":false}}`,
    {
      differs: 'include_usage is added in front, since the client said nothing of it',
      point: '`stream_options.include_usage`',
    },
  ),
  headerCheck('request headers', {
    name: 'of OpenAI, of SDKs and unknown ones pass: order, spelling, repeats',
    headers: [
      ...['OpenAI-Organization', 'org-1', 'OpenAI-Project', 'p', 'OpenAI-Beta', 'assistants=v2'],
      ...[
        'X-Stainless-Lang',
        'js',
        'X-Stainless-Retry-Count',
        '0',
        'Idempotency-Key',
        'i-1',
        'User-Agent',
        'OpenAI/JS 6',
      ],
      ...['X-Twice', 'one', 'x-twice', 'two', 'anthropic-beta', 'b', 'anthropic-version', '2023-06-01'],
    ],
    wanted: /^(openai|x-stainless|x-twice|anthropic|idempotency|user-agent)/i,
  }),
  headerCheck('request headers', {
    name: 'traceparent and tracestate pass, so that the backend is in the same trace',
    headers: ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'tracestate', 'a=b'],
    wanted: /^trace/,
  }),
  headerCheck('request headers', {
    name: 'content-type and content-length',
    headers: [],
    wanted: /^content-/,
  }),
  headerCheck('request headers', {
    name: 'authorization',
    headers: ['Authorization', 'Bearer sk-client'],
    wanted: /^authorization$/i,
    differs:
      "the operator's key goes upstream; a client's never goes to a provider unless the backend says `credentials: client`",
  }),
  headerCheck('request headers', {
    name: 'cookies and other credentials',
    headers: ['Cookie', 'session=1', 'X-Api-Key', 'k', 'X-Goog-Api-Key', 'g'],
    wanted: /^(cookie|x-.*api-key)$/i,
    differs: 'what identifies a client to someone else must not reach a provider on its own',
  }),
  headerCheck('request headers', {
    name: 'what speaks about one connection',
    headers: ['Keep-Alive', 'timeout=5', 'TE', 'trailers', 'Connection', 'keep-alive, X-Private', 'X-Private', '1'],
    wanted: /^(keep-alive|te|x-private)$/i,
    differs: 'RFC 9110 §7.6.1: hop-by-hop headers, and those that Connection names, end at a proxy',
  }),
  headerCheck('request headers', {
    name: 'x-shunt-*',
    headers: ['X-Shunt-Tags', 'team-a', 'X-Shunt-Session', 's'],
    wanted: /^x-shunt-/i,
    differs: 'they are addressed to the proxy',
  }),
  headerCheck('compression', {
    name: 'accept-encoding of a chat request',
    headers: ['Accept-Encoding', 'gzip, br'],
    wanted: /^accept-encoding$/i,
    differs: 'the answer must be metered as it passes, so it is asked for uncompressed',
  }),
];
