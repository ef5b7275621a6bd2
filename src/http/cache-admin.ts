/** `/admin/cache`: what the caches hold, what they would do with a prompt, and purging them. Admin keys only. */
import { ShuntError } from '../base/errors.ts';
import { snakeCase } from '../base/snake-case.ts';
import { duration } from '../config/duration.ts';
import { plainChat } from '../gateway/cache-admin.ts';
import { parseChatRequest, parseObject } from '../gateway/chat-request.ts';
import { type EndpointFrame, readRequest, replyJson, type Visit, type VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

export function cacheStatsEndpoint(services: Services): VisitHandler {
  return async (visit) => {
    mustBeAdmin(visit);
    replyJson(visit, snakeCase(await services.cacheAdmin.stats()));
  };
}

/** Body: `text`, or a whole chat request; and `tenant`, in whose name it is asked: `key:app-a`. */
export function cacheExplainEndpoint(frame: EndpointFrame, services: Services): VisitHandler {
  return async (visit) => {
    mustBeAdmin(visit);
    const request = await readRequest(frame, visit);
    const { text, tenant, ...chat } = parseObject(request.body);
    const asked =
      typeof text === 'string'
        ? plainChat(services.config.routing.model_names[0] ?? 'auto', text)
        : parseChatRequest(Buffer.from(JSON.stringify(chat)));
    const asker = { ...request.tenant, id: textOr(tenant, 'tenant') ?? request.tenant.id };
    replyJson(visit, snakeCase(await services.cacheAdmin.explain({ ...request, tenant: asker }, asked)));
  };
}

/** Body: any of `route`, `tag`, `tenant`, `person`, `older_than` (`30m`); or `all: true`. */
export function cachePurgeEndpoint(frame: EndpointFrame, services: Services): VisitHandler {
  return async (visit) => {
    mustBeAdmin(visit);
    const fields = parseObject((await readRequest(frame, visit)).body);
    const route = textOr(fields.route, 'route');
    const tag = textOr(fields.tag, 'tag');
    const tenant = textOr(fields.tenant, 'tenant');
    const age = fields.older_than === undefined ? undefined : ageOf(fields.older_than);
    const storedBefore = age === undefined ? undefined : services.clock.now() - age;
    const person = textOr(fields.person, 'person');
    const which = { route, tag, tenant, person, storedBefore };
    if (fields.all !== true && Object.values(which).every((one) => one === undefined)) {
      const message =
        "Say what is to go: 'route', 'tag', 'tenant', 'person' or 'older_than', or 'all': true for everything.";
      throw new ShuntError('invalid_request', message);
    }
    replyJson(visit, { purged: await services.cacheAdmin.purge(which) });
  };
}

function mustBeAdmin(visit: Visit): void {
  if (visit.tenant.admin) return;
  const message = '/admin/cache needs an admin key (auth.keys[].admin: true), or server.admin_port.';
  throw new ShuntError('forbidden', message);
}

function textOr(value: unknown, param: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw new ShuntError('invalid_request', `'${param}' must be a text.`, { param });
}

function ageOf(value: unknown): number {
  const read = duration.safeParse(value);
  if (read.success) return read.data;
  const message = "'older_than' must be a duration such as 30m, 12h or 7d.";
  throw new ShuntError('invalid_request', message, { param: 'older_than' });
}
