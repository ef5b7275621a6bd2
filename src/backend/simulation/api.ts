/**
 * The simulated LLM API: method, path and body in, reply out. It knows nothing of time or sockets; what goes wrong
 * with a reply on its way is `faults.ts` and `player.ts`.
 */
import { isObject, type JsonObject } from './answer.ts';
import { chatReply, completionReply, type EndpointSettings } from './chat.ts';
import { embeddingsReply } from './embeddings.ts';
import type { Faults } from './faults.ts';
import { imageReply, moderationReply, speechReply, transcriptionReply } from './media.ts';
import { anthropicErrorReply, countTokensReply, messagesReply } from './messages.ts';
import { errorReply, jsonReply, plainReply, type SimulatedReply } from './reply.ts';
import { responsesReply, storedResponseReply } from './responses.ts';

export interface SimulatedRequest {
  readonly method: string;
  /** Below the base URL; a query is ignored. */
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
  readonly created: number;
  readonly faults: Faults;
}

type Endpoint = (body: JsonObject, settings: EndpointSettings) => SimulatedReply;

const endpoints: Readonly<Record<string, Endpoint>> = {
  '/chat/completions': chatReply,
  '/completions': completionReply,
  '/responses': responsesReply,
  '/messages': messagesReply,
  '/messages/count_tokens': countTokensReply,
  '/embeddings': embeddingsReply,
  '/moderations': moderationReply,
  '/audio/speech': speechReply,
  '/images/generations': (body, settings) => imageReply(body, settings.created),
};

const models = ['demo-small', 'demo-large', 'demo-embed'].map((id) => ({
  id,
  object: 'model',
  created: 1_767_225_600,
  owned_by: 'simulated',
}));

export function simulatedReply(request: SimulatedRequest): SimulatedReply {
  const { faults, method } = request;
  const path = request.path.split('?', 1)[0];
  if (faults.html) {
    return plainReply(
      Buffer.from('<html><body><h1>502 Bad Gateway</h1></body></html>\n'),
      'text/html',
      faults.errorStatus ?? 200,
    );
  }
  if (faults.errorStatus !== null) return failedReply(path, faults.errorStatus, faults.retryAfter);
  if (path.startsWith('/responses/')) return storedResponseReply(method, path.slice('/responses/'.length));
  if (method === 'GET') return modelsReply(path);
  if (method === 'POST' && /^\/audio\/(transcriptions|translations)$/.test(path)) {
    return transcriptionReply(request.body, request.contentType);
  }
  const endpoint = method === 'POST' ? endpoints[path] : undefined;
  return endpoint ? bodyReply(endpoint, request) : unknownPath(method, path);
}

function bodyReply(endpoint: Endpoint, request: SimulatedRequest): SimulatedReply {
  const body = parsed(request.body);
  if (!isObject(body)) {
    const message = 'We could not parse the JSON body of your request. The API expects a JSON payload.';
    return errorReply({ status: 400, message });
  }
  if (typeof body.model !== 'string' && !endpointsWithoutModel.has(endpoint)) {
    return errorReply({ status: 400, message: 'you must provide a model parameter', param: 'model' });
  }
  if (typeof body.model === 'string' && /^(missing|unknown|no-such)/.test(body.model)) {
    const message = `The model \`${body.model}\` does not exist or you do not have access to it.`;
    return errorReply({ status: 404, message, code: 'model_not_found' });
  }
  const { rejects, outputTokens, noUsage } = request.faults;
  if (rejects !== null && body[rejects] !== undefined) {
    const message = `Unsupported parameter: '${rejects}' is not supported with this model.`;
    if (request.path.startsWith('/messages'))
      return anthropicErrorReply(400, `${rejects}: Extra inputs are not permitted`);
    return errorReply({ status: 400, message, param: rejects, code: 'unsupported_parameter' });
  }
  try {
    return endpoint(body, { created: request.created, outputTokens, noUsage });
  } catch (error) {
    // Nested deeper than the stack is: a provider refuses such a body, and does not hang up.
    if (!(error instanceof RangeError)) throw error;
    return errorReply({ status: 400, message: 'The request body is nested too deeply.' });
  }
}

const endpointsWithoutModel = new Set<Endpoint>([endpoints['/moderations'], endpoints['/images/generations']]);

function modelsReply(path: string): SimulatedReply {
  if (path === '/models') return jsonReply({ object: 'list', data: models });
  if (!path.startsWith('/models/')) return unknownPath('GET', path);
  const id = path.slice('/models/'.length);
  const model = models.find((one) => one.id === id);
  if (model) return jsonReply(model);
  return errorReply({
    status: 404,
    message: `The model '${id}' does not exist`,
    param: 'model',
    code: 'model_not_found',
  });
}

function unknownPath(method: string, path: string): SimulatedReply {
  const code = 'unknown_url';
  return errorReply({ status: 404, message: `Unknown request URL: ${method} ${path}. Please check the URL.`, code });
}

const errorTypes: Readonly<Record<number, { readonly type: string; readonly code: string | null }>> = {
  401: { type: 'invalid_request_error', code: 'invalid_api_key' },
  403: { type: 'permission_error', code: null },
  404: { type: 'invalid_request_error', code: 'model_not_found' },
  429: { type: 'tokens', code: 'rate_limit_exceeded' },
};

function failedReply(path: string, status: number, retryAfter: string | null): SimulatedReply {
  const known = errorTypes[status];
  const after = retryAfter ?? (status === 429 || status === 503 ? '1' : null);
  const headers = after === null ? [] : ['retry-after', after];
  if (path.startsWith('/messages')) return anthropicErrorReply(status, `Simulated error ${status}.`, headers);
  return errorReply({ status, message: `Simulated error ${status}.`, ...known, headers });
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // Answered as OpenAI does: with a 400 that says so.
    return undefined;
  }
}
