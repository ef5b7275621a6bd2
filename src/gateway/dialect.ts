/**
 * The dialects in which a prompt may come: one path, one reader of the body, one form of stream each. All of them go
 * through the same story (`chat.ts`); what differs between them stands in this table.
 */
import { type ChatRequest, type DialectName, parseChatRequest } from './chat-request.ts';
import { choiceStream } from './choice-stream.ts';
import { parseCompletionRequest } from './completion-request.ts';
import { messageStream } from './message-stream.ts';
import { parseMessagesRequest } from './messages-request.ts';
import { responseStream } from './response-stream.ts';
import { parseResponsesRequest } from './responses-request.ts';
import type { StreamForm } from './stream-form.ts';

export interface Dialect {
  readonly name: DialectName;
  /** Below a backend's base URL. */
  readonly path: string;
  /** Which API a backend must speak. */
  readonly api: 'openai' | 'anthropic';
  readonly parse: (bytes: Buffer) => ChatRequest;
  readonly form: StreamForm;
  /** Usage comes in a stream only when `stream_options.include_usage` asks for it. */
  readonly usageOption: boolean;
  /** The exact cache can replay its answers in both forms, plain and streamed. */
  readonly cacheable: boolean;
  /** Requests carry the conversation so far, so that it can be pinned. */
  readonly conversational: boolean;
}

const openai = { api: 'openai', usageOption: false, cacheable: false, conversational: true } as const;

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  chat: {
    ...openai,
    name: 'chat',
    path: '/chat/completions',
    parse: parseChatRequest,
    form: choiceStream,
    usageOption: true,
    cacheable: true,
  },
  completions: {
    ...openai,
    name: 'completions',
    path: '/completions',
    parse: parseCompletionRequest,
    form: choiceStream,
    usageOption: true,
    conversational: false,
  },
  responses: { ...openai, name: 'responses', path: '/responses', parse: parseResponsesRequest, form: responseStream },
  messages: {
    ...openai,
    name: 'messages',
    path: '/messages',
    api: 'anthropic',
    parse: parseMessagesRequest,
    form: messageStream,
  },
};
