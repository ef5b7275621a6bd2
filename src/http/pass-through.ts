/** Endpoints that go to the fallback's backend unread: an allow-list of whole paths, so that no path can be made up. */
import type { Config } from '../config/schema.ts';
import { passThrough } from '../gateway/pass-through.ts';
import type { VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

const paths: Record<Config['routing']['passthrough'][number], readonly string[]> = {
  moderations: ['/v1/moderations'],
  audio: ['/v1/audio/speech', '/v1/audio/transcriptions', '/v1/audio/translations'],
  images: ['/v1/images/generations', '/v1/images/edits', '/v1/images/variations'],
};

export function passThroughPaths(config: Config): string[] {
  return config.routing.passthrough.flatMap((kind) => paths[kind]);
}

export function passThroughEndpoint(services: Services, path: string): VisitHandler {
  return async (visit) => {
    const below = path.slice('/v1'.length);
    const query = (visit.incoming.url ?? '').split('?')[1];
    await passThrough(services, {
      ...visit,
      model: services.config.routing.fallback,
      path: query === undefined ? below : `${below}?${query}`,
      body: null,
    });
  };
}
