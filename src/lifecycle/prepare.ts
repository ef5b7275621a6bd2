/**
 * Prepares a snapshot: cards → embedding model → calibration → index (from disk when nothing changed) → snapshot.
 * May fail at every step, and changes nothing that serves. The embedder of the serving snapshot is used again when the
 * alias still means the same model.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../base/clock.ts';
import { type OnLap, startStopwatch } from '../base/stopwatch.ts';
import type { Config } from '../config/schema.ts';
import { stateFolder } from '../config/state-folder.ts';
import type { Embedder } from '../embedding/contract.ts';
import { createEmbedder } from '../embedding/create-embedder.ts';
import { loadBackground } from '../routing/background-file.ts';
import { type Calibration, parseCalibration } from '../routing/calibration.ts';
import { loadRoutes } from '../routing/load.ts';
import { match } from '../routing/match.ts';
import { type IndexProgress, loadOrBuildIndex } from './index-store.ts';
import { openRegistry } from './registry.ts';
import { makeSnapshot, type Snapshot } from './snapshot.ts';

export interface PrepareOptions {
  readonly config: Config;
  /** Instead of `routing.routes`. */
  readonly routesFolder?: string;
  /** Offline work needs no resolvable targets. */
  readonly checkTargets: boolean;
  readonly onProgress?: (progress: IndexProgress) => void;
  readonly onNotice?: (message: string, fields: Record<string, unknown>) => void;
  /** Told how long each part took. */
  readonly onLap?: OnLap | undefined;
}

export async function prepareSnapshot(options: PrepareOptions, current: Snapshot | null = null): Promise<Snapshot> {
  const { config } = options;
  const notice = options.onNotice ?? (() => undefined);
  const lap = startStopwatch(systemClock, options.onLap);
  const folder = options.routesFolder ?? routesFolder(config);
  const modelNames = options.checkTargets ? Object.keys(config.models) : null;
  const { routes, warnings } = await loadRoutes(folder, { modelNames });
  for (const warning of warnings) notice(warning, {});
  lap('route cards');
  const embedder = await embedderFor(config, current);
  lap('embedding model');
  try {
    const [calibration, background] = await Promise.all([readCalibration(folder), loadBackground(folder)]);
    const { threshold, margin, reject_below: rejectBelow } = config.routing;
    const { index, built, reason, ms } = await loadOrBuildIndex({
      stateDir: stateFolder(config),
      routes,
      embedder,
      defaults: { threshold, margin, rejectBelow },
      calibration,
      background,
      onProgress: options.onProgress,
    });
    lap(built ? 'route index, built' : 'route index, from disk');
    const how = built ? 'route index built' : 'route index read from disk';
    notice(how, { ms: Math.round(ms), routes: routes.length, ...(reason === null ? {} : { reason }) });
    const snapshot = makeSnapshot({
      embedder,
      index,
      routes,
      settings: { threshold, margin, rejectBelow, calibration },
      answering: answeringModels(config),
    });
    warmUp(snapshot);
    lap('warm-up');
    return snapshot;
  } catch (error) {
    if (embedder !== current?.embedder) await embedder.close();
    throw error;
  }
}

/**
 * Decides about some examples before the first request does: cold code takes ten times as long, which would cost the
 * first prompts of every snapshot their budget. Only where embedding is inline; bounded in time.
 */
function warmUp({ prompts, index, routes }: Snapshot): void {
  const { embedInline } = prompts;
  if (embedInline === null) return;
  const until = performance.now() + 150;
  const texts = [...routes.values()].flatMap((route) => route.examples.slice(0, 20));
  for (const text of texts) {
    if (performance.now() > until) return;
    match(index, { text, vector: embedInline(text, 'query').vector });
  }
}

/** Whom the names of models mean: with another model behind a name, answers that are stored under it are old. */
function answeringModels({ models, backends, routing }: Config): unknown {
  const { mode, fallback, default_target: target, text } = routing;
  const named = Object.entries(models).map(([name, { backend, model }]) => {
    const { kind, base_url: url, api_version: version } = backends[backend];
    return [name, model, backend, kind, url, version];
  });
  return [mode, fallback, target, text, named];
}

/** The config's folder of cards; where there is none and none was asked for, the cards that come with the package. */
export function routesFolder(config: Config): string {
  return ownOrShipped(config, config.routing.routes, 'routes');
}

export function modelsFolder(config: Config): string {
  return ownOrShipped(config, config.routing.models_dir, 'models');
}

function ownOrShipped(config: Config, path: string, standard: string): string {
  const own = resolve(config.folder, path);
  return path !== standard || existsSync(own) ? own : fileURLToPath(new URL(`../../${standard}`, import.meta.url));
}

async function embedderFor(config: Config, current: Snapshot | null): Promise<Embedder> {
  const registry = await openRegistry(modelsFolder(config));
  const model = await registry.resolve(config.routing.embedding);
  if (current?.embedder.identity.fingerprint === model.fingerprint) return current.embedder;
  return createEmbedder(model, { alias: config.routing.embedding });
}

async function readCalibration(folder: string): Promise<Calibration | null> {
  const file = join(folder, 'calibration.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  return parseCalibration(text, file);
}
