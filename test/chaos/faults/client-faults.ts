/** Clients that read slowly, send slowly, or go away: at whatever moment, the proxy lets go of what it holds for them. */

import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { event, events, head, sse } from '../backend.ts';
import { type Fault, nothingAsked, within } from '../fault.ts';
import { type Ask, chat } from '../load.ts';
import type { ProxyProcess } from '../proxy-process.ts';
import { type ChaosStage, endure } from '../stage.ts';

export const clientFaultNames = ['long-stream', 'slow-backend', 'endless-stream'];

/** Ill-mannered requests among sound ones, which must not suffer from them. */
function among(name: string, ill: (tag: string, turn: number) => Ask): Fault {
  return {
    name,
    async run(stage) {
      const proxy = await prepared(stage);
      const tag = name.replaceAll(' ', '-');
      const asks = Array.from({ length: 10 * stage.scale }, (_, i) => [
        ill(tag, i),
        chat({ model: 'large', stream: i % 2 > 0, tag }),
      ]).flat();
      const sound = (one: Ask) => one.manner === undefined && one.onAnswer === undefined;
      const outcome = await endure({ proxy, folder: proxy.folder }, { asks, width: 10, tag, could: sound });
      const left = await within(10_000, () => stage.backend.connections <= spareConnections);
      const problems = left ? [] : [`${stage.backend.connections} connections to backends are still open`];
      return { ...outcome, problems: [...outcome.problems, ...problems] };
    },
  };
}

const spareConnections = 24;

async function prepared(stage: ChaosStage): Promise<ProxyProcess & { readonly folder: string }> {
  const { backend } = stage;
  const filler = 'x'.repeat(16_000);
  const flood = Array.from({ length: 256 }, () => event({ choices: [{ index: 0, delta: { content: filler } }] }));
  backend.misbehave('long-stream', () => [head(sse), ...flood, ...events(['end']), 'end']);
  backend.misbehave('slow-backend', () => [300, head(sse), ...events(['late']), 'end']);
  const drops = Array.from({ length: 100 }, () => [events(['drop'])[1], 50]).flat();
  backend.misbehave('endless-stream', () => [head(sse), ...drops, 'end']);
  return stage.shared();
}

/** Reads nothing for a while, then the rest. */
function dawdle(answer: IncomingMessage): void {
  answer.pause();
  setTimeout(() => answer.resume(), 400);
}

const leaveSoon = (request: ClientRequest) => setTimeout(() => request.destroy(), 50);

export const clientFaults: readonly Fault[] = [
  among('slow reader of a long stream', (tag) => ({
    ...chat({ model: 'long-stream', stream: true, tag }),
    onAnswer: dawdle,
  })),
  among('client vanishes while it uploads', (tag, turn) => ({
    ...chat({ model: 'large', tag }),
    manner(request) {
      request.setHeader('content-length', 10_000);
      request.write('{"model":"large","mess');
      setTimeout(() => request.destroy(), turn * 3);
    },
  })),
  among('client vanishes before the headers', (tag) => {
    const one = chat({ model: 'slow-backend', stream: true, tag });
    return {
      ...one,
      manner(request) {
        request.end(one.body);
        leaveSoon(request);
      },
    };
  }),
  among('client vanishes in mid stream', (tag) => ({
    ...chat({ model: 'endless-stream', stream: true, tag }),
    onAnswer: (_answer, request) => leaveSoon(request),
  })),
  among('upload that never ends', (tag) => ({
    ...chat({ model: 'large', tag }),
    manner(request) {
      request.setHeader('content-length', 10_000);
      const timer = setInterval(() => request.write('{'), 100);
      request.on('close', () => clearInterval(timer));
      request.on('response', () => clearInterval(timer));
    },
  })),
  {
    name: 'headers that never end',
    async run(stage) {
      const proxy = await prepared(stage);
      const before = await proxy.look();
      const answers = await Promise.all(Array.from({ length: 20 * stage.scale }, () => slowHeaders(proxy.url)));
      const restless = await proxy.backAt(before);
      const closed = answers.filter((answer) => answer !== null);
      const told = closed.filter((answer) => answer.includes(' 408 ')).length;
      const problems = closed.length < answers.length ? ['connections stayed open for ever'] : [];
      const errors = new Map([['408 request_timeout', told]]);
      const baseline = restless.length === 0;
      return { ...nothingAsked, requests: answers.length, errors, baseline, problems: [...problems, ...restless] };
    },
  },
];

/** What came back; null when the connection was left open. */
function slowHeaders(url: string): Promise<string | null> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write('POST /v1/chat/completions HTTP/1.1\r\n'));
    const drip = setInterval(() => socket.write('x-a: b\r\n'), 200);
    const patience = setTimeout(() => end(null), 20_000);
    const end = (result: string | null) => {
      clearInterval(drip);
      clearTimeout(patience);
      socket.destroy();
      resolve(result);
    };
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => end(answer));
  });
}
