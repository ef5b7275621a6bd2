/**
 * What waits for the worker of a transformer, in two lanes: `interactive` (requests) always goes before `bulk` (indexing).
 * A batch holds as many texts as fit a budget of tokens with padding counted, since that is what a batch costs.
 * Texts are tokenised when their turn comes, once. Cancelled requests leave before they run.
 */

export interface QueuedRequest {
  readonly id: number;
  readonly texts: readonly string[];
  readonly lane: 'interactive' | 'bulk';
}

export interface QueuedText {
  readonly request: number;
  readonly index: number;
  readonly ids: Int32Array;
  readonly truncated: boolean;
}

export interface QueueSettings {
  readonly tokenise: (text: string) => { readonly ids: Int32Array; readonly truncated: boolean };
  /** Padded tokens a batch. A single longer text still runs, alone. */
  readonly tokenBudget: number;
}

interface Waiting {
  readonly request: QueuedRequest;
  next: number;
}

export class TextQueue {
  readonly #settings: QueueSettings;
  readonly #lanes: Readonly<Record<QueuedRequest['lane'], Waiting[]>> = { interactive: [], bulk: [] };
  /** The text that did not fit the last batch: tokenised already, it opens the next one of its lane. */
  readonly #held = new Map<QueuedRequest['lane'], QueuedText>();

  constructor(settings: QueueSettings) {
    this.#settings = settings;
  }

  add(request: QueuedRequest): void {
    if (request.texts.length > 0) this.#lanes[request.lane].push({ request, next: 0 });
  }

  cancel(id: number): void {
    for (const lane of ['interactive', 'bulk'] as const) {
      const waiting = this.#lanes[lane];
      const at = waiting.findIndex((entry) => entry.request.id === id);
      if (at >= 0) waiting.splice(at, 1);
      if (this.#held.get(lane)?.request === id) this.#held.delete(lane);
    }
  }

  get empty(): boolean {
    return this.#lanes.interactive.length + this.#lanes.bulk.length + this.#held.size === 0;
  }

  /** The next batch, of one lane; empty when nothing waits. */
  take(): QueuedText[] {
    const lane = this.#lanes.interactive.length > 0 || this.#held.has('interactive') ? 'interactive' : 'bulk';
    const batch: QueuedText[] = [];
    let width = 0;
    for (let text = this.#pull(lane); text; text = this.#pull(lane)) {
      width = Math.max(width, text.ids.length);
      if (batch.length > 0 && width * (batch.length + 1) > this.#settings.tokenBudget) {
        this.#held.set(lane, text);
        break;
      }
      batch.push(text);
    }
    return batch;
  }

  #pull(lane: QueuedRequest['lane']): QueuedText | null {
    const held = this.#held.get(lane);
    if (held) {
      this.#held.delete(lane);
      return held;
    }
    const waiting = this.#lanes[lane];
    const first = waiting[0];
    if (!first) return null;
    const index = first.next++;
    if (first.next === first.request.texts.length) waiting.shift();
    const { ids, truncated } = this.#settings.tokenise(first.request.texts[index]);
    // The tokenizer reuses its buffer.
    return { request: first.request.id, index, ids: ids.slice(), truncated };
  }
}
