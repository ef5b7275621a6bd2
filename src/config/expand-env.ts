/**
 * `${NAME}` and `${NAME:-default}` in the values of a config, from an environment that the caller passes in. `$${` is a
 * plain `${`. Keys, comments and what came out of a variable are never expanded: a credential may hold any character.
 * An empty variable counts as unset, as in a shell's `:-`, because that is how deployments blank out a secret.
 */
import type { YamlPath } from './yaml-file.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvTrouble {
  readonly path: YamlPath;
  /** null: the text is not a proper `${NAME}`. */
  readonly variable: string | null;
}

export interface Expansion {
  /** A copy; the values in trouble stand as written. */
  readonly data: unknown;
  /** `pathId` of every value that a variable went into. They are text, though the schema may want a number. */
  readonly expanded: ReadonlySet<string>;
  readonly troubles: readonly EnvTrouble[];
}

export function pathId(path: YamlPath): string {
  return JSON.stringify(path);
}

export function expandEnv(data: unknown, env: Environment): Expansion {
  const expanded = new Set<string>();
  const troubles: EnvTrouble[] = [];
  return { data: walk(data, []), expanded, troubles };

  function walk(value: unknown, path: YamlPath): unknown {
    if (typeof value === 'string') return value.includes('${') ? expandText(value, path) : value;
    if (Array.isArray(value)) return value.map((item, at) => walk(item, [...path, at]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key])]));
  }

  function expandText(text: string, path: YamlPath): string {
    let sound = true;
    const result = text.replace(/\$\$\{|\$\{([^}]*)(\}?)/g, (whole, inside: string | undefined, close: string) => {
      if (inside === undefined) return '${';
      const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside);
      if (!match || !close) {
        troubles.push({ path, variable: null });
        sound = false;
        return whole;
      }
      const value = env[match[1]] || match[2];
      if (value !== undefined) return value;
      troubles.push({ path, variable: match[1] });
      sound = false;
      return whole;
    });
    if (!sound) return text;
    expanded.add(pathId(path));
    return result;
  }
}
