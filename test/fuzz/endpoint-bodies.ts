/** A request to each endpoint in that endpoint's own words, so that what lies behind the first checks is reached as well. */
import fc from 'fast-check';
import { anything, message, mostly, text } from './requests.ts';

const flag = mostly(fc.boolean());
const count = mostly(fc.constantFrom(1, 20, 0, -1, 1e9, 0.5, null));
const tool = mostly(
  fc.record(
    {
      type: mostly(fc.constant('function')),
      name: mostly(text),
      function: mostly(fc.record({ name: mostly(text), parameters: anything })),
      input_schema: anything,
      cache_control: anything,
    },
    { requiredKeys: [] },
  ),
);
const tools = mostly(fc.array(tool, { maxLength: 3 }));
const model = (...names: string[]) => mostly(fc.constantFrom(...names));

/** Content blocks of Anthropic's messages. */
const block = mostly(
  fc.record(
    {
      type: mostly(fc.constantFrom('text', 'text', 'image', 'tool_use', 'tool_result', 'thinking', 'document')),
      text: mostly(text),
      source: anything,
      id: mostly(text),
      tool_use_id: mostly(text),
      input: anything,
      content: anything,
      cache_control: anything,
    },
    { requiredKeys: ['type'] },
  ),
);
const turn = mostly(
  fc.record({
    role: model('user', 'user', 'assistant', 'system'),
    content: mostly(fc.oneof(text, fc.array(block, { maxLength: 3 }))),
  }),
);
const messages = fc.record(
  {
    model: model('claude', 'auto', 'small', 'nobody'),
    max_tokens: count,
    messages: mostly(fc.array(turn, { maxLength: 4 })),
    system: mostly(fc.oneof(text, fc.array(block, { maxLength: 2 }))),
    tools,
    tool_choice: anything,
    thinking: anything,
    metadata: anything,
    stream: flag,
  },
  { requiredKeys: ['model', 'messages'] },
);

const item = mostly(
  fc.record(
    {
      type: mostly(fc.constantFrom('message', 'function_call', 'function_call_output', 'reasoning', 'item_reference')),
      role: model('user', 'assistant', 'system'),
      content: mostly(
        fc.oneof(text, fc.array(fc.record({ type: mostly(fc.constant('input_text')), text: mostly(text) }))),
      ),
      call_id: mostly(text),
      name: mostly(text),
      arguments: mostly(text),
      output: anything,
      id: anything,
    },
    { requiredKeys: ['role', 'content'] },
  ),
);
const responses = fc.record(
  {
    model: model('auto', 'small', 'large', 'nobody'),
    input: mostly(fc.oneof(text, fc.array(item, { maxLength: 4 }))),
    instructions: mostly(text),
    previous_response_id: mostly(fc.constantFrom(null, 'resp_1', '')),
    text: anything,
    tools,
    store: flag,
    background: flag,
    conversation: anything,
    max_output_tokens: count,
    stream: flag,
  },
  { requiredKeys: ['model', 'input'] },
);

const chat = fc.record(
  {
    model: model('auto', 'auto', 'small', 'large'),
    messages: mostly(fc.array(message, { minLength: 1, maxLength: 5 })),
    tools,
    tool_choice: anything,
    response_format: mostly(
      fc.record({ type: mostly(fc.constantFrom('json_object', 'json_schema')), json_schema: anything }),
    ),
    reasoning_effort: anything,
    modalities: anything,
    n: count,
    seed: anything,
    stop: anything,
    user: mostly(text),
    stream: flag,
    stream_options: anything,
    max_completion_tokens: count,
  },
  { requiredKeys: ['model', 'messages'] },
);
const completion = fc.record(
  {
    model: model('auto', 'small'),
    prompt: mostly(fc.oneof(text, fc.array(fc.oneof(text, fc.nat()), { maxLength: 4 }))),
    suffix: anything,
    echo: flag,
    max_tokens: count,
    stream: flag,
  },
  { requiredKeys: ['model', 'prompt'] },
);
const embedding = fc.record(
  {
    model: model('default', 'default', 'shunt-mini@1', 'small', 'nobody'),
    input: mostly(fc.oneof(text, fc.array(fc.oneof(text, fc.nat()), { maxLength: 5 }), fc.array(fc.array(fc.nat())))),
    dimensions: mostly(fc.constantFrom(1, 8, 512, 0, -1, 1e9)),
    encoding_format: mostly(fc.constantFrom('float', 'base64')),
  },
  { requiredKeys: ['model', 'input'] },
);
const dryRun = fc.record(
  { text: mostly(text), messages: mostly(fc.array(message, { maxLength: 4 })), model: model('auto', 'small'), tools },
  { requiredKeys: [] },
);
const opinion = mostly(
  fc.record(
    {
      request_id: mostly(fc.constantFrom('01a1fad7-1680-7194-88d2-e6abb1a2f423', 'nobody', '')),
      response_id: mostly(fc.constantFrom('chatcmpl-1', '')),
      accepted: flag,
      score: mostly(fc.constantFrom(0, 0.5, 1, 2, -1)),
      reason: mostly(text),
      source: mostly(fc.constantFrom('user', 'judge', 'check', '?')),
      metadata: anything,
    },
    { requiredKeys: ['request_id', 'accepted'] },
  ),
);
const feedback = fc.oneof(opinion, fc.record({ feedback: mostly(fc.array(opinion, { maxLength: 4 })) }));
const cacheAdmin = fc.record(
  {
    text: mostly(text),
    tenant: mostly(text),
    route: mostly(fc.constantFrom('facts', 'nobody')),
    tag: mostly(text),
    older_than: mostly(fc.constantFrom('30m', 0, -1, '1y')),
    all: flag,
    messages: anything,
  },
  { requiredKeys: [] },
);

const bodies: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  '/v1/chat/completions': chat,
  '/v1/completions': completion,
  '/v1/responses': responses,
  '/v1/messages': messages,
  '/v1/messages/count_tokens': messages,
  '/v1/embeddings': embedding,
  '/v1/route': dryRun,
  '/v1/feedback': feedback,
  '/admin/cache/explain': cacheAdmin,
  '/admin/cache/purge': cacheAdmin,
};

export const endpointRequest = fc.oneof(
  ...Object.entries(bodies).map(([path, body]) =>
    body.map((value) => ({ path, body: Buffer.from(JSON.stringify(value) ?? '') })),
  ),
);
