/** What erasing decisions means for the answers that are stored beside them. */
import type { EraseSelection } from './contract.ts';
import { openAnswerStore } from './open-answer-store.ts';

/** Resolves with how many went. A running proxy has its own copies in memory: `shunt cache purge` reaches those. */
export async function eraseAnswers(
  url: string,
  place: { readonly folder: string },
  { by, value }: EraseSelection,
): Promise<number> {
  const store = openAnswerStore(url, place);
  if (store === null) return 0;
  try {
    const filter = by === 'key' ? { tenant: `key:${value}` } : by === 'tag' ? { tag: value } : { person: value };
    return (await store.purge(filter)).length;
  } finally {
    await store.close();
  }
}
