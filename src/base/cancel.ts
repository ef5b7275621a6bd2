/**
 * Cancelling one request's work: the part of AbortController and AbortSignal that the proxy uses, in one small object. The
 * platform's own take some ten microseconds a request, for two of them and their listeners, and are kept for where a
 * library asks for one (`abortSignalOf`). An AbortSignal is a `CancelSignal` too.
 */
export type OnCancel = (() => void) | { handleEvent(): void };

export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  /** Called at most once. A signal that is aborted already calls nobody: look at `aborted` first. */
  addEventListener(type: 'abort', listener: OnCancel, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: OnCancel): void;
}

export class Cancel implements CancelSignal {
  aborted = false;
  reason: unknown = undefined;
  #listeners: OnCancel[] | null = null;

  get signal(): CancelSignal {
    return this;
  }

  /** Tells every listener; one that throws keeps the others from nothing. A second call changes nothing. */
  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason ?? new DOMException('This operation was aborted', 'AbortError');
    const listeners = this.#listeners ?? [];
    this.#listeners = null;
    let first: unknown;
    let failed = false;
    for (const listener of listeners) {
      try {
        if (typeof listener === 'function') listener();
        else listener.handleEvent();
      } catch (error) {
        if (!failed) first = error;
        failed = true;
      }
    }
    if (failed) throw first;
  }

  addEventListener(_type: 'abort', listener: OnCancel): void {
    if (this.aborted) return;
    if (this.#listeners === null) this.#listeners = [listener];
    else if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: OnCancel): void {
    const at = this.#listeners?.indexOf(listener) ?? -1;
    if (at >= 0) this.#listeners?.splice(at, 1);
  }
}

/** The platform's own kind, for libraries. */
export function abortSignalOf(signal: CancelSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  const controller = new AbortController();
  if (signal.aborted) controller.abort(signal.reason);
  else signal.addEventListener('abort', () => controller.abort(signal.reason));
  return controller.signal;
}
