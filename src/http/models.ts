/**
 * `GET /v1/models` and `/v1/models/{id}`: routed names, configured models, routes as `auto:<route>`, embedding models; in
 * Anthropic's shape for its clients, which send `anthropic-version`.
 */
import { ShuntError } from '../base/errors.ts';
import { mayAskModel, mayTakeRoute } from '../gateway/permission.ts';
import type { Tenant } from '../gateway/tenant.ts';
import { replyJson, type Visit, type VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

interface ModelObject {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
}

export function modelsEndpoint(services: Services): VisitHandler {
  return (visit) => {
    const models = listModels(services, visit.tenant);
    if (!isAnthropic(visit)) {
      replyJson(visit, { object: 'list', data: models });
      return;
    }
    const data = models.map(anthropicModel);
    replyJson(visit, { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null });
  };
}

export function modelEndpoint(services: Services): VisitHandler {
  return (visit, context) => {
    const id = context.req.param('id');
    const model = listModels(services, visit.tenant).find((candidate) => candidate.id === id);
    if (!model) throw new ShuntError('model_not_found', `The model '${id}' does not exist.`, { param: 'model' });
    replyJson(visit, isAnthropic(visit) ? anthropicModel(model) : model);
  };
}

function isAnthropic(visit: Visit): boolean {
  return visit.incoming.headers['anthropic-version'] !== undefined;
}

function anthropicModel({ id, created }: ModelObject) {
  return { type: 'model' as const, id, display_name: id, created_at: new Date(created * 1_000).toISOString() };
}

/** Those that the key may ask for. */
function listModels(services: Services, tenant: Tenant): ModelObject[] {
  const { config } = services;
  const entry = (id: string, owner: string): ModelObject => ({
    id,
    object: 'model',
    created: services.startedAt,
    owned_by: owner,
  });
  const owners = new Map<string, string>();
  for (const name of config.routing.model_names) owners.set(name, 'shunt');
  for (const [name, model] of Object.entries(config.models)) if (!owners.has(name)) owners.set(name, model.backend);
  for (const route of services.snapshot()?.routes.keys() ?? []) owners.set(`auto:${route}`, 'shunt');
  for (const name of services.embeddingNames()) if (!owners.has(name)) owners.set(name, 'shunt-embedding');
  const may = (id: string) =>
    mayAskModel(tenant, id, config.routing.model_names) &&
    (!id.startsWith('auto:') || mayTakeRoute(tenant, id.slice('auto:'.length)));
  return [...owners].filter(([id]) => may(id)).map(([id, owner]) => entry(id, owner));
}
