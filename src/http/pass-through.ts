/** Endpoints that go to the fallback's backend unread: an allow-list of whole paths, so that no path can be made up. */
import type { Config } from '../config/schema.ts';
import { passThrough } from '../gateway/pass-through.ts';
import { mustBeAllowedModel } from '../gateway/permission.ts';
import type { VisitHandler } from './endpoint.ts';
import type { Services } from './services.ts';

const paths = {
  moderations: ['/moderations'],
  audio: ['/audio/speech', '/audio/transcriptions', '/audio/translations'],
  images: ['/images/generations', '/images/edits', '/images/variations'],
  /** Stored things need an owner each: `stored-objects.ts`. */
  files: [],
  batches: [],
} as const satisfies Record<Config['routing']['passthrough'][number], readonly string[]>;

/** Below `/v1`. */
export function passThroughPaths(config: Config): string[] {
  return config.routing.passthrough.flatMap((kind) => paths[kind]);
}

export function passThroughEndpoint(services: Services, path: string): VisitHandler {
  return async (visit) => {
    const model = services.config.routing.fallback;
    mustBeAllowedModel(visit.tenant, model, []);
    await passThrough(services, { ...visit, model, path, body: visit.incoming });
  };
}
