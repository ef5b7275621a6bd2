/** A chat request that has its plan: what every further step of its story starts from. */
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { ChatRequest } from './chat-request.ts';
import type { ClientRequest } from './client-request.ts';
import type { Plan } from './plan-form.ts';

export interface PlannedChat {
  readonly request: ClientRequest;
  readonly chat: ChatRequest;
  readonly snapshot: Snapshot;
  readonly plan: Plan;
}
