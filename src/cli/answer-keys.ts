/**
 * Answers from whoever sits at the keyboard: single keys on a terminal, whole lines from a pipe (`1`, `n`, `f translation`).
 * Both give the same words. null: the input has ended, or Ctrl-C or Ctrl-D was pressed.
 */
import { createInterface, emitKeypressEvents, type Key } from 'node:readline';

export interface AnswerKeys {
  /** A key, or the first word of a line. */
  next(): Promise<string | null>;
  /** A name: the rest of the line in a pipe, or a line typed at the terminal; '' when it was given up. */
  name(question: string): Promise<string>;
  close(): void;
}

export function openAnswerKeys(input: NodeJS.ReadStream, output: NodeJS.WriteStream): AnswerKeys {
  return input.isTTY ? terminalKeys(input, output) : pipedLines(input);
}

function pipedLines(input: NodeJS.ReadStream): AnswerKeys {
  const lines = createInterface({ input })[Symbol.asyncIterator]();
  let rest = '';
  const line = async () => {
    const { value, done } = await lines.next();
    return done ? null : String(value).trim();
  };
  return {
    async next() {
      const text = await line();
      if (text === null) return null;
      const [word, ...others] = text.split(/\s+/);
      rest = others.join(' ');
      return word;
    },
    name: async () => rest || ((await line()) ?? ''),
    close: () => input.destroy(),
  };
}

function terminalKeys(input: NodeJS.ReadStream, output: NodeJS.WriteStream): AnswerKeys {
  const pressed: (string | null)[] = [];
  let waiting: ((key: string | null) => void) | null = null;
  const hear = (text: string | undefined, key: Key) => {
    const ends = key.ctrl && (key.name === 'c' || key.name === 'd');
    const word = ends
      ? null
      : key.name === 'return' || key.name === 'backspace' || key.name === 'escape'
        ? key.name
        : (text ?? '');
    if (word === '') return;
    if (waiting === null) pressed.push(word);
    else waiting(word);
    waiting = null;
  };
  const next = (): Promise<string | null> => {
    const key = pressed.shift();
    if (key !== undefined) return Promise.resolve(key);
    return new Promise((resolve) => {
      waiting = resolve;
    });
  };
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', hear);
  input.resume();
  return {
    next,
    async name(question) {
      let typed = '';
      for (;;) {
        output.write(`\r\u001b[K${question}${typed}`);
        const key = await next();
        if (key === null || key === 'escape') return '';
        if (key === 'return') return typed.trim();
        typed = key === 'backspace' ? typed.slice(0, -1) : typed + key;
      }
    },
    close() {
      input.off('keypress', hear);
      input.setRawMode(false);
      input.pause();
    },
  };
}
