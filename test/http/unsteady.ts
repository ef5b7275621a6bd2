/** Backends that change their mind: what a chat backend answers is set while it runs, and who asked it is kept. */
import type { ServerResponse } from 'node:http';
import { type Overrides, post, startProxy, type TestProxy } from '../proxy-harness.ts';
import { type Asked, recordingServer, replyJson } from '../recording-server.ts';

export type Mood = (response: ServerResponse, asked: Asked) => void;

export interface Unsteady {
  readonly url: string;
  readonly asked: readonly Asked[];
  mood: Mood;
}

export async function unsteady(mood: Mood = well): Promise<Unsteady> {
  const state = { mood };
  const { url, asked } = await recordingServer((one, response) => state.mood(response, one));
  return {
    url,
    asked,
    get mood() {
      return state.mood;
    },
    set mood(next) {
      state.mood = next;
    },
  };
}

export const well: Mood = (response, asked) => {
  const { model } = JSON.parse(asked.body || '{}') as { model?: string };
  const message = { role: 'assistant', content: 'Bonjour.' };
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  replyJson(response, {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model,
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage,
  });
};

export const silent: Mood = () => undefined;
export const hangingUp: Mood = (response) => void response.socket?.resetAndDestroy();

export function failing(status: number, headers: Readonly<Record<string, string>> = {}): Mood {
  return (response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    replyJson(response, { error: { message: 'no', type: 'server_error', param: null, code: `e${status}` } }, status);
  };
}

/** Each in turn, the last one for good. */
export function inTurn(...moods: readonly Mood[]): Mood {
  let turn = 0;
  return (response, asked) => moods[Math.min(turn++, moods.length - 1)](response, asked);
}

/** One proxy for all tests of a file, reloaded with the config of each: a start takes ten times as long. */
export function reloadedProxy(): (overrides?: Overrides) => Promise<TestProxy> {
  let started: Promise<TestProxy> | null = null;
  return async (overrides = {}) => {
    started ??= startProxy();
    const proxy = await started;
    if (!(await proxy.reconfigure(overrides))) throw new Error('the reload was refused');
    return proxy;
  };
}

export interface Answer {
  readonly status: number;
  readonly model: string | null;
  readonly reason: string | null;
  readonly headers: Headers;
  readonly text: string;
}

export async function askChat(proxy: TestProxy, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await post(`${proxy.url}/v1/chat/completions`, body, headers);
  const shown = (name: string) => response.headers.get(`x-shunt-${name}`);
  return {
    status: response.status,
    model: shown('model'),
    reason: shown('reason'),
    headers: response.headers,
    text: await response.text(),
  };
}

export interface BackendRow {
  readonly backend: string;
  readonly endpoint: string;
  readonly model: string | null;
  readonly state: string;
  readonly cause: string | null;
  readonly failures: number;
  readonly in_flight: number;
  readonly until: string | null;
}

/** What `/readyz?verbose` says of one model, or of a key with `null`. */
export async function stateOf(
  proxy: TestProxy,
  place: { readonly backend: string; readonly model: string | null; readonly endpoint?: string },
): Promise<BackendRow> {
  const { backends } = (await (await fetch(`${proxy.url}/readyz?verbose`)).json()) as { backends: BackendRow[] };
  const { backend, model, endpoint = '1' } = place;
  const found = backends.find((row) => row.backend === backend && row.model === model && row.endpoint === endpoint);
  if (!found) throw new Error(`no row for ${JSON.stringify(place)}`);
  return found;
}
