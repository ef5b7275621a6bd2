/** The rules of `cache:` that hold between its keys and others. */
import type { Fault } from '../base/fault.ts';
import { faultAt, valueAt } from './faults.ts';
import { suggest } from './suggest.ts';
import type { YamlFile } from './yaml-file.ts';

const semantic = ['cache', 'semantic'] as const;

/** `models`: the config's, by name. */
export function cacheFaults(source: YamlFile, data: unknown, models: readonly string[]): Fault[] {
  const at = (key: string) => valueAt(data, [...semantic, key]);
  const faults: Fault[] = [];
  const judge = at('judge');
  if (at('compare') === 'judge' && judge === undefined) {
    const wording = { problem: 'needs a model', fix: 'Name one with cache.semantic.judge, or compare by embedding.' };
    faults.push(faultAt(source, [...semantic, 'compare'], wording));
  }
  if (typeof judge === 'string' && !models.includes(judge)) {
    const meant = suggest(judge, models);
    const fix = meant ? `Did you mean ${meant}?` : `Use one of ${models.join(', ')}, or define it under models.`;
    faults.push(faultAt(source, [...semantic, 'judge'], { problem: 'is not a model', fix }));
  }
  const text = valueAt(data, ['routing', 'text']);
  if (at('enabled') === true && text !== undefined && text !== 'last_user') {
    const problem =
      'is on, but routing.text is not last_user: the vector of a request is then not that of its last prompt';
    faults.push(
      faultAt(source, [...semantic, 'enabled'], { problem, fix: 'Set routing.text: last_user, or leave it false.' }),
    );
  }
  return faults;
}
