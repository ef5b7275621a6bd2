/** The configured model that a name in a request stands for, where nothing is matched: token counts, embeddings. */
import { ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';

export interface NamedModel {
  /** Config name. */
  readonly model: string;
  /** What its provider calls it: the name to send. */
  readonly name: string;
}

/** A routed name stands for its fallback. Throws `model_not_found`. */
export function namedModel(config: Config, asked: string): NamedModel {
  const { models, routing } = config;
  const isRouted = routing.model_names.includes(asked) || asked.startsWith('auto:');
  const model = isRouted ? fallbackFor(config, asked) : asked;
  if (models[model]) return { model, name: models[model].model };
  if (routing.unknown_model === 'passthrough') return { model: routing.fallback, name: asked };
  const known = [...routing.model_names, ...Object.keys(models)].join(', ');
  throw new ShuntError('model_not_found', `The model '${asked}' does not exist. Known here: ${known}.`, {
    param: 'model',
  });
}

/** The strong model behind a routed name: the model of that name (or that provider name), else `routing.fallback`. */
export function fallbackFor(config: Config, requestedModel: string): string {
  if (config.models[requestedModel]) return requestedModel;
  const named = Object.entries(config.models).find(([, model]) => model.model === requestedModel);
  return named ? named[0] : config.routing.fallback;
}
