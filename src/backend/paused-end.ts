/**
 * Keeps the end of a connection from a paused answer. undici 7 fails an assertion, and takes the whole process with it,
 * when a backend closes or resets a connection (`connection: close`, HTTP/1.0, no length) while its answer is paused for
 * a slow client: nodejs/undici#5360, mended in version 8 only, which Node 20 does not run.
 *
 *   paused:  bytes … end ─► held ── release() ─► the end is told, then the answer goes on
 *   ended:   hold() says no: what little is left is taken as it comes
 *
 * undici does not say on which connection a call runs. It reads from a socket and hands the bytes on in the same turn, so
 * the socket that was read last is the one.
 */
import type { Socket } from 'node:net';

export interface EndGate {
  /** Before an answer is paused. False: it must not be, since the connection has ended already. */
  hold(): boolean;
  /** Before it is resumed. */
  release(): void;
}

export interface EndGates {
  watch(socket: Socket): void;
  /** Of the connection whose bytes are being handed on now; null: nothing was read yet, or the connections speak HTTP/2. */
  current(): EndGate | null;
}

export function createEndGates(): EndGates {
  let current: EndGate | null = null;
  return {
    watch(socket) {
      const gate = gateOf(socket);
      const read = socket.read;
      socket.read = function (size) {
        current = gate;
        return read.call(this, size);
      };
    },
    current: () => current,
  };
}

function gateOf(socket: Socket): EndGate {
  let held = false;
  let ended: 'no' | 'held' | 'told' = 'no';
  const { push, destroy } = socket;
  socket.push = function (chunk, encoding) {
    if (chunk !== null) return push.call(this, chunk, encoding);
    ended = held ? 'held' : 'told';
    return held ? false : push.call(this, null);
  };
  socket.destroy = function (error) {
    // Of a reset alone undici thinks that it may be the end of a whole answer.
    const isReset = held && (error as NodeJS.ErrnoException | undefined)?.code === 'ECONNRESET';
    return destroy.call(this, isReset ? new Error('connection reset', { cause: error }) : error);
  };
  return {
    hold() {
      held = ended === 'no';
      return held;
    },
    release() {
      held = false;
      if (ended !== 'held') return;
      ended = 'told';
      push.call(socket, null);
    },
  };
}
