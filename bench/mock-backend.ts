/** A backend that costs next to nothing: canned answers, plain or as a stream of 23 or 500 events. */
import { createServer } from 'node:http';

const usage = { prompt_tokens: 40, completion_tokens: 20, total_tokens: 60 };
const plain = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'mock',
    choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(60) }, finish_reason: 'stop' }],
    usage,
  }),
);
const event = (value: unknown) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'mock', ...(value as object) })}\n\n`;
const streamOf = (words: number) => [
  ...Array.from({ length: words }, () =>
    event({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] }),
  ),
  event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
  event({ choices: [], usage }),
  'data: [DONE]\n\n',
];
const short = streamOf(20);
const long = streamOf(497);

const server = createServer((incoming, outgoing) => {
  let events: readonly string[] | null = null;
  incoming.on('data', (chunk: Buffer) => {
    if (events === null && chunk.includes('"stream":true')) events = chunk.includes('"max_tokens":500') ? long : short;
  });
  incoming.on('end', () => {
    if (events === null) {
      outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': plain.length });
      outgoing.end(plain);
      return;
    }
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const piece of events) outgoing.write(piece);
    outgoing.end();
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) process.stdout.write(`listens on http://127.0.0.1:${address.port}\n`);
});
