/** `POST /v1/embeddings`: our own models by alias or version; configured models through their backend. */

import { ShuntError } from '../base/errors.ts';
import { spliceMembers, topLevelMembers } from '../base/json-members.ts';
import type { EmbeddingIdentity } from '../embedding/contract.ts';
import { type ClientRequest, requestHeader, requestTags } from '../gateway/client-request.ts';
import { embeddingsModel, embedInputs, parseEmbeddingsRequest } from '../gateway/embed.ts';
import { passThrough } from '../gateway/pass-through.ts';
import { mustBeAllowedModel } from '../gateway/permission.ts';
import { unroutedRecord } from '../gateway/unrouted-record.ts';
import { noUsage } from '../ledger/usage.ts';
import { type EndpointFrame, readRequest, replyJson, type VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

export function embeddingsEndpoint(frame: EndpointFrame, services: Services): VisitHandler {
  return async (visit) => {
    const request = await readRequest(frame, visit);
    const { body, signal } = request;
    const model = embeddingsModel(body);
    mustBeAllowedModel(visit.tenant, model, []);
    if (services.config.models[model]) {
      const name = JSON.stringify(services.config.models[model].model);
      const spliced = spliceMembers(body, topLevelMembers(body), { model: name });
      await passThrough(services, { ...visit, model, path: '/embeddings', body: spliced });
      return;
    }
    const embedder = await services.embedder(model);
    if (embedder === null) {
      const known = [...services.embeddingNames(), ...Object.keys(services.config.models)].join(', ');
      throw new ShuntError('model_not_found', `There is no embedding model '${model}'. Known here: ${known}.`, {
        param: 'model',
      });
    }
    const { answer, truncatedInputs } = await embedInputs(embedder, parseEmbeddingsRequest(body), signal);
    const headers: Record<string, string> =
      truncatedInputs.length > 0 ? { 'x-shunt-truncated-inputs': truncatedInputs.join(',') } : {};
    replyJson(visit, answer, { headers });
    record(services, request, embedder.identity, answer.usage.prompt_tokens);
  };
}

function record(services: Services, request: ClientRequest, model: EmbeddingIdentity, tokens: number): void {
  const totalMs = services.clock.monotonic() - request.receivedMonotonic;
  const done = unroutedRecord({
    id: request.id,
    time: request.receivedAt,
    tenant: request.tenant,
    tags: requestTags(request),
    endpoint: 'embeddings',
    reason: 'own-embedding',
    model: `${model.name}@${model.version}`,
    priced: null,
    backend: null,
    snapshot: services.snapshot()?.id ?? '',
    status: 200,
    errorCode: null,
    truncated: false,
    usage: { ...noUsage, input: tokens, source: 'reported' },
    latency: { addedMs: totalMs, embedMs: totalMs, matchMs: 0, firstByteMs: null, totalMs },
  });
  services.events.requestFinished(done, { text: '', person: null }, requestHeader(request, 'traceparent'));
}
