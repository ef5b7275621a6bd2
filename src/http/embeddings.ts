/** `POST /v1/embeddings`: our own models by alias or version; configured models through their backend. */

import { ShuntError } from '../base/errors.ts';
import { spliceMembers, topLevelMembers } from '../base/json-members.ts';
import { embeddingsModel, embedInputs, parseEmbeddingsRequest } from '../gateway/embed.ts';
import { passThrough } from '../gateway/pass-through.ts';
import { type EndpointFrame, readRequest, replyJson, type VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

export function embeddingsEndpoint(frame: EndpointFrame, services: Services): VisitHandler {
  return async (visit) => {
    const { body, signal } = await readRequest(frame, visit);
    const model = embeddingsModel(body);
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
  };
}
