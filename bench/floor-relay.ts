/** The floor: the least that a relay on Node can do. `node:http` in, undici's `Pool.dispatch` out, bytes as they come. */
import { createServer } from 'node:http';
import { Pool } from 'undici';

const pool = new Pool(process.argv[2], { connections: 256 });
const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    pool.dispatch(
      {
        method: 'POST',
        path: incoming.url ?? '/',
        headers: { 'content-type': 'application/json' },
        body: Buffer.concat(chunks),
      },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          outgoing.writeHead(status, headers as Record<string, string>);
        },
        onResponseData(controller, chunk) {
          if (outgoing.write(chunk)) return;
          controller.pause();
          outgoing.once('drain', () => controller.resume());
        },
        onResponseEnd() {
          outgoing.end();
        },
        onResponseError() {
          outgoing.destroy();
        },
      },
    );
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) process.stdout.write(`listens on http://127.0.0.1:${address.port}\n`);
});
