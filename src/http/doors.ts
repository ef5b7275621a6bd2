/** The sockets of the proxy, its own and the admin port: opened together at the start, shut together at the stop. */
import type { Config } from '../config/schema.ts';
import type { Log } from '../telemetry/log.ts';
import type { Admission } from './admission.ts';
import { type Listening, listen } from './server.ts';

type Fetch = Parameters<typeof listen>[0];

/** For the end of an answer that lies in a socket's buffer when the proxy stops. */
const lastBytesMs = 2_000;

export interface Doors {
  readonly listening: Listening;
  /** `server.admin_port`; null without one. */
  readonly admin: Listening | null;
  /** Lets open requests finish within `server.drain_ms`, then cuts what is still open. */
  shut(admission: Admission, log: Log): Promise<void>;
}

/** Rejects when an address cannot be taken; then none is open. */
export async function openDoors(
  server: Config['server'],
  answer: { readonly app: Fetch; readonly adminApp: Fetch },
): Promise<Doors> {
  const { host, port, admin_port: adminPort, request_ms: requestMs, drain_ms: drainMs } = server;
  const listening = await listen(answer.app, { host, port, requestMs });
  const admin = adminPort === 'none' ? null : await openAdmin(adminPort);
  const doors = admin === null ? [listening] : [listening, admin];

  async function openAdmin(ownPort: number): Promise<Listening> {
    try {
      return await listen(answer.adminApp, { host, port: ownPort, requestMs, key: 'server.admin_port' });
    } catch (error) {
      await listening.close();
      throw error;
    }
  }

  return {
    listening,
    admin,
    async shut(admission, log) {
      if ((await within(drainMs, admission.drain())) === 'late')
        log.warn('requests still open after server.drain_ms are cut', { in_flight: admission.inFlight });
      // What is open now are ends of answers on their way out, and connections that never finished a request: a moment
      // for the first, and no waiting for the second.
      const closed = Promise.all(doors.map((door) => door.close()));
      if (admission.inFlight > 0 || (await within(lastBytesMs, closed)) === 'late')
        for (const door of doors) door.cut();
      await closed;
      // Requests that were cut still have to end their calls and to be recorded.
      await within(lastBytesMs, admission.drain());
    },
  };
}

function within(ms: number, work: Promise<unknown>): Promise<unknown> {
  const timeout = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), ms).unref());
  return Promise.race([work, timeout]);
}
