/**
 * Backends that fail in every way that one can. Each is asked twice over: by requests that may fall over to a sound model,
 * which must succeed as long as nothing of an answer has gone out, and by requests for this very model, which must end
 * in order: with an error that an SDK can read, or a stream that says that it broke.
 */
import { answerText, completion, event, events, head, json, type Misbehaviour, type Piece, sse } from '../backend.ts';
import { type Fault, pause } from '../fault.ts';
import { type Ask, chat } from '../load.ts';
import { endure } from '../stage.ts';

interface BackendFault {
  readonly name: string;
  readonly how?: Misbehaviour;
  /** What could succeed: everything; what may fall over; streams that may fall over; nothing. */
  readonly could: 'all' | 'routed' | 'routed streams' | 'none';
}

const words = answerText.split(' ');
const whole = completion(answerText);
const long = [`content-length: ${whole.length + 200}`];
const plain = (status: string, body: string | Buffer, more: readonly string[] = []): Piece[] => [
  head(json, [`content-length: ${Buffer.byteLength(body)}`, ...more], status),
  body,
  'end',
];
const errorBody = (code: string) =>
  JSON.stringify({ error: { message: 'no', type: 'server_error', param: null, code } });
/** The whole answer, cut at this byte and no further. */
const begun = (stream: boolean, then: readonly Piece[]): Piece[] =>
  stream
    ? [head(sse), ...events(words).slice(0, 3), ...then]
    : [head(json, [`content-length: ${whole.length}`]), whole.subarray(0, 60), ...then];

const misbehaviours: readonly BackendFault[] = [
  { name: 'reset-before-headers', how: () => ['reset'], could: 'routed' },
  {
    name: 'reset-after-headers',
    how: ({ stream }) => [head(stream ? sse : json, stream ? [] : [`content-length: ${whole.length}`]), 30, 'reset'],
    could: 'routed streams',
  },
  { name: 'reset-mid-answer', how: ({ stream }) => begun(stream, [30, 'reset']), could: 'none' },
  { name: 'stall-before-headers', how: () => ['hang'], could: 'routed' },
  { name: 'stall-mid-answer', how: ({ stream }) => begun(stream, ['hang']), could: 'none' },
  { name: 'trickle', how: ({ stream }) => trickle(stream), could: 'all' },
  {
    name: 'content-length-too-long',
    how: ({ stream }) => (stream ? [head(sse, long), ...events(words), 'end'] : [head(json, long), whole, 'end']),
    could: 'none',
  },
  {
    name: 'content-length-too-short',
    how: ({ stream }) => [
      head(stream ? sse : json, ['content-length: 40']),
      stream ? events(words).join('') : whole,
      'end',
    ],
    could: 'none',
  },
  { name: 'half-a-character-at-the-end', how: ({ stream }) => halfCharacter(stream), could: 'none' },
  { name: 'characters-split-over-chunks', how: ({ stream }) => splitCharacters(stream), could: 'all' },
  { name: 'html-with-502', how: () => htmlPage('502 Bad Gateway'), could: 'routed' },
  { name: 'html-with-200', how: () => htmlPage('200 OK'), could: 'none' },
  {
    name: 'error-inside-a-200',
    how: ({ stream }) =>
      stream
        ? [
            head(sse),
            event({ choices: [{ index: 0, delta: { role: 'assistant' } }] }),
            `data: ${errorBody('server_error')}\n\n`,
            'end',
          ]
        : plain('200 OK', errorBody('server_error')),
    could: 'routed streams',
  },
  { name: 'not-http-at-all', how: () => ['BANANA/1.1 yes\r\n\r\n', 'end'], could: 'routed' },
  {
    name: 'storm-of-429',
    how: () => plain('429 Too Many Requests', errorBody('rate_limit_exceeded'), ['retry-after: 1']),
    could: 'routed',
  },
  { name: 'storm-of-500', how: () => plain('500 Internal Server Error', errorBody('boom')), could: 'routed' },
  {
    name: 'every-other-request-fails',
    how: ({ turn }) => (turn % 2 === 0 ? plain('503 Service Unavailable', errorBody('busy')) : 'sound'),
    could: 'routed',
  },
  { name: 'dns-failure', could: 'routed' },
  { name: 'connection-refused', could: 'routed' },
];

export const backendFaultNames = misbehaviours.map(({ name }) => name);

function backendFault(fault: BackendFault): Fault {
  return {
    name: fault.name.replaceAll('-', ' '),
    async run(stage) {
      const proxy = await stage.shared();
      if (fault.how) stage.backend.misbehave(fault.name, fault.how);
      const each = 6 * stage.scale;
      const asks = Array.from({ length: each }, (_, i) => [
        chat({ route: fault.name, stream: i % 2 > 0, tag: fault.name }),
        chat({ model: fault.name, stream: i % 2 > 0, tag: fault.name }),
      ]).flat();
      return endure(
        { proxy, folder: proxy.folder },
        { asks, width: 12, tag: fault.name, could: (one) => could(fault, one) },
      );
    },
  };
}

export const backendFaults: readonly Fault[] = misbehaviours.map(backendFault);

function could(fault: BackendFault, { headers, body }: Ask): boolean {
  const routed = headers?.['x-shunt-route'] !== undefined;
  if (fault.could === 'all') return true;
  if (fault.could === 'routed') return routed;
  return fault.could === 'routed streams' && routed && body.includes('"stream":true');
}

/** Everything behind one address is gone for some seconds: afterwards it serves as if nothing had been. */
export const outage: Fault = {
  name: 'outage of every backend, which then comes back',
  async run(stage) {
    const folder = await stage.folder();
    const proxy = await stage.start({ folder });
    const outageMs = stage.long ? 5_000 : 1_500;
    await stage.backend.stop();
    const tag = 'outage';
    const during = Array.from({ length: 20 * stage.scale }, (_, i) => chat({ stream: i % 2 > 0, tag }));
    const back = pause(outageMs).then(() => stage.backend.restart());
    const down = await endure({ proxy, folder }, { asks: during, width: 10, tag, could: () => false });
    await back;
    // What has been left alone for a while is tried again: at the latest then it serves.
    const recovered = Array.from({ length: 10 * stage.scale }, (_, i) => chat({ stream: i % 2 > 0, tag: 'after' }));
    await pause(stage.long ? 6_000 : 2_000);
    const up = await endure({ proxy, folder }, { asks: recovered, width: 5, tag: 'after', could: () => true });
    return {
      ...up,
      requests: down.requests + up.requests,
      errors: down.errors,
      succeeded: down.succeeded + up.succeeded,
      ledger: down.ledger && up.ledger,
      problems: [...down.problems, ...up.problems],
    };
  },
};

function trickle(stream: boolean): Piece[] {
  const bytes = stream ? Buffer.from(events(['a', 'b']).join('')) : whole;
  const pieces: Piece[] = [head(stream ? sse : json, [`content-length: ${bytes.length}`])];
  for (let at = 0; at < bytes.length; at += 16) pieces.push(bytes.subarray(at, at + 16), 10);
  return [...pieces, 'end'];
}

function halfCharacter(stream: boolean): Piece[] {
  const text = Buffer.from(stream ? events(['a 翻']).slice(0, 2).join('') : whole);
  return [head(stream ? sse : json), text.subarray(0, text.indexOf('翻') + 2), 20, 'end'];
}

function splitCharacters(stream: boolean): Piece[] {
  const text = stream ? Buffer.from(events(words).join('')) : whole;
  const cut = [...text.entries()].filter(([, byte]) => byte >= 0x80).map(([at]) => at);
  const pieces: Piece[] = [head(stream ? sse : json, [`content-length: ${text.length}`])];
  let from = 0;
  for (const at of cut) {
    pieces.push(text.subarray(from, at), 2);
    from = at;
  }
  return [...pieces, text.subarray(from), 'end'];
}

function htmlPage(status: string): Piece[] {
  const page = '<!doctype html><title>We will be back soon</title><p>Maintenance.';
  return [head('text/html', [`content-length: ${page.length}`], status), page, 'end'];
}
