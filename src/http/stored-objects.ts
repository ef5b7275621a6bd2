/**
 * Files and batches, where `routing.passthrough` names them: stored at the fallback's backend under the operator's
 * credential, so every id belongs to the tenant whose request made it, and for everybody else it does not exist. Lists
 * are not served: they would show what others have stored.
 */
import { ShuntError } from '../base/errors.ts';
import { parseObject } from '../gateway/chat-request.ts';
import type { Owner } from '../gateway/owners.ts';
import { answerObject, passThrough } from '../gateway/pass-through.ts';
import { mustBeAllowedModel } from '../gateway/permission.ts';
import { type EndpointFrame, readRequest, type Visit, type VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

export interface StoredKind {
  /** Below `/v1`. */
  readonly path: '/files' | '/batches';
  readonly noun: 'file' | 'batch';
}

export const storedFiles: StoredKind = { path: '/files', noun: 'file' };
export const storedBatches: StoredKind = { path: '/batches', noun: 'batch' };

/** `POST /v1/files`: the upload goes up raw; the answer's id is the tenant's. */
export function uploadEndpoint(services: Services): VisitHandler {
  return async (visit) => {
    const owner = { tenant: visit.tenant.id, model: services.config.routing.fallback };
    mustBeAllowedModel(visit.tenant, owner.model, []);
    const body = visit.incoming;
    const result = await passThrough(services, {
      ...visit,
      model: owner.model,
      path: '/files',
      body,
      readAnswer: true,
    });
    keepIds(services, { ...owner, endpoint: result.endpoint }, answerObject(result));
  };
}

/** `POST /v1/batches`: of a file that the tenant has uploaded. */
export function batchEndpoint(frame: EndpointFrame, services: Services): VisitHandler {
  return async (visit) => {
    const { body } = await readRequest(frame, visit);
    const file = parseObject(body).input_file_id;
    const owner = ownerOf(services, visit, { id: typeof file === 'string' ? file : '', noun: 'file' });
    const result = await passThrough(services, {
      ...visit,
      model: owner.model,
      endpoint: owner.endpoint,
      path: '/batches',
      body,
      readAnswer: true,
    });
    keepIds(services, owner, answerObject(result));
  };
}

/** What follows an id: `GET`, `DELETE`, `…/content`, `…/cancel`. */
export function storedObjectEndpoint(
  services: Services,
  kind: StoredKind,
  act: '' | '/content' | '/cancel',
): VisitHandler {
  return async (visit, context) => {
    const id = context.req.param('id') ?? '';
    const owner = ownerOf(services, visit, { id, noun: kind.noun });
    const { method } = visit.incoming;
    const result = await passThrough(services, {
      ...visit,
      model: owner.model,
      endpoint: owner.endpoint,
      path: `${kind.path}/${encodeURIComponent(id)}${act}`,
      body: method === 'POST' ? visit.incoming : null,
      readAnswer: kind === storedBatches,
    });
    if (method === 'DELETE' && result.status === 200) services.owners.forget(id);
    // A batch that is done names its files: they are the tenant's too.
    if (kind === storedBatches) keepIds(services, owner, answerObject(result));
  };
}

function ownerOf(services: Services, visit: Visit, asked: { readonly id: string; readonly noun: string }): Owner {
  const owner = services.owners.find(asked.id, visit.tenant.id);
  if (owner !== null && services.config.models[owner.model]) return owner;
  throw new ShuntError('not_found', `No such ${asked.noun}: '${asked.id}'.`, { param: 'id' });
}

function keepIds(services: Services, owner: Owner, answer: Readonly<Record<string, unknown>>): void {
  for (const id of [answer.id, answer.output_file_id, answer.error_file_id]) {
    if (typeof id === 'string') services.owners.keep(id, owner);
  }
}
