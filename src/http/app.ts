/** Which path is answered by whom. Routes only: each endpoint has its own file, and none of them decides anything. */
import { Hono } from 'hono';
import { ShuntError } from '../base/errors.ts';
import { cacheExplainEndpoint, cachePurgeEndpoint, cacheStatsEndpoint } from './cache-admin.ts';
import { chatEndpoint } from './chat.ts';
import { countTokensEndpoint } from './count-tokens.ts';
import { decisionEndpoint } from './decisions.ts';
import { dryRunEndpoint } from './dry-run.ts';
import { embeddingsEndpoint } from './embeddings.ts';
import { type EndpointFrame, endpoint, type NodeEnv, type Visit } from './endpoint.ts';
import { feedbackEndpoint } from './feedback.ts';
import { healthEndpoint, readyEndpoint } from './health.ts';
import { openTenant } from './key-ring.ts';
import { metricsEndpoint } from './metrics.ts';
import { modelEndpoint, modelsEndpoint } from './models.ts';
import { passThroughEndpoint, passThroughPaths } from './pass-through.ts';
import type { Services } from './services.ts';
import { batchEndpoint, storedBatches, storedFiles, storedObjectEndpoint, uploadEndpoint } from './stored-objects.ts';
import { storedResponseEndpoint } from './stored-responses.ts';

export type App = Hono<NodeEnv>;

export function createApp(frame: EndpointFrame, services: Services): App {
  const app = new Hono<NodeEnv>({ strict: false });
  const work = { counted: true } as const;
  const anthropic = { counted: true, errors: 'anthropic' } as const;

  app.post('/v1/chat/completions', endpoint(frame, chatEndpoint(frame, services, 'chat'), work));
  app.post('/v1/completions', endpoint(frame, chatEndpoint(frame, services, 'completions'), work));
  app.post('/v1/responses', endpoint(frame, chatEndpoint(frame, services, 'responses'), work));
  app.post('/v1/messages', endpoint(frame, chatEndpoint(frame, services, 'messages'), anthropic));
  app.post('/v1/messages/count_tokens', endpoint(frame, countTokensEndpoint(frame, services), anthropic));
  app.post('/v1/embeddings', endpoint(frame, embeddingsEndpoint(frame, services), work));
  app.get('/v1/models', endpoint(frame, modelsEndpoint(services)));
  app.get('/v1/models/:id{.+}', endpoint(frame, modelEndpoint(services)));
  app.post('/v1/route', endpoint(frame, dryRunEndpoint(frame, services), work));
  app.get('/v1/decisions/:id', endpoint(frame, decisionEndpoint(services)));
  app.post('/v1/feedback', endpoint(frame, feedbackEndpoint(frame, services)));
  addStored(app, frame, services);
  for (const path of passThroughPaths(services.config)) {
    app.post(`/v1${path}`, endpoint(frame, passThroughEndpoint(services, path), work));
  }
  app.get('/healthz', (context) => healthEndpoint(context));
  app.get('/readyz', readyEndpoint(frame, services));
  app.get('/metrics', endpoint(frame, metricsEndpoint(services)));
  addAdmin(app, frame, services);
  app.all(
    '*',
    endpoint(frame, (visit) => refuse(visit, app)),
  );
  return app;
}

/** What `server.admin_port` serves, without keys: whoever reaches that port is an operator. */
export function createAdminApp(frame: EndpointFrame, services: Services): App {
  const open: EndpointFrame = {
    ...frame,
    authenticate: () => openTenant('operator', true),
  };
  const app = new Hono<NodeEnv>({ strict: false });
  app.get('/healthz', (context) => healthEndpoint(context));
  app.get('/readyz', readyEndpoint(open, services));
  app.get('/metrics', endpoint(open, metricsEndpoint(services)));
  addAdmin(app, open, services);
  app.all(
    '*',
    endpoint(open, (visit) => refuse(visit, app)),
  );
  return app;
}

/** For operators: an admin key, or the admin port. */
function addAdmin(app: App, frame: EndpointFrame, services: Services): void {
  app.get('/admin/cache', endpoint(frame, cacheStatsEndpoint(services)));
  app.post('/admin/cache/explain', endpoint(frame, cacheExplainEndpoint(frame, services)));
  app.post('/admin/cache/purge', endpoint(frame, cachePurgeEndpoint(frame, services)));
}

/** What is stored at backends: each id is its maker's. */
function addStored(app: App, frame: EndpointFrame, services: Services): void {
  const work = { counted: true } as const;
  const { passthrough } = services.config.routing;
  const response = (act: '' | '/cancel' | '/input_items') =>
    endpoint(frame, storedResponseEndpoint(services, act), work);
  app.get('/v1/responses/:id', response(''));
  app.delete('/v1/responses/:id', response(''));
  app.post('/v1/responses/:id/cancel', response('/cancel'));
  app.get('/v1/responses/:id/input_items', response('/input_items'));
  const file = (act: '' | '/content') => endpoint(frame, storedObjectEndpoint(services, storedFiles, act), work);
  if (passthrough.includes('files')) {
    app.post('/v1/files', endpoint(frame, uploadEndpoint(services), work));
    app.get('/v1/files/:id', file(''));
    app.delete('/v1/files/:id', file(''));
    app.get('/v1/files/:id/content', file('/content'));
  }
  const batch = (act: '' | '/cancel') => endpoint(frame, storedObjectEndpoint(services, storedBatches, act), work);
  if (passthrough.includes('batches')) {
    app.post('/v1/batches', endpoint(frame, batchEndpoint(frame, services), work));
    app.get('/v1/batches/:id', batch(''));
    app.post('/v1/batches/:id/cancel', batch('/cancel'));
  }
}

function refuse(visit: Visit, app: App): never {
  const method = visit.incoming.method ?? 'GET';
  const path = (visit.incoming.url ?? '/').split('?')[0];
  const allowed = app.routes
    .filter((route) => route.path === path && route.method !== 'ALL')
    .map((route) => route.method);
  if (allowed.length > 0) {
    visit.outgoing.setHeader('allow', allowed.join(', '));
    throw new ShuntError('method_not_allowed', `${path} takes ${allowed.join(', ')}, not ${method}.`);
  }
  throw new ShuntError('not_found', `There is nothing at ${method} ${path}.`);
}
