/** Moderations, speech, transcription and images: enough to see that bytes of every kind pass both ways. */
import { type JsonObject, objects } from './answer.ts';
import { hashText, pseudoId } from './pseudo-random.ts';
import { errorReply, jsonReply, plainReply, type SimulatedReply } from './reply.ts';

export function moderationReply(body: JsonObject): SimulatedReply {
  if (body.input === undefined) {
    return errorReply({ status: 400, message: "Missing required parameter: 'input'.", param: 'input' });
  }
  const inputs = Array.isArray(body.input) ? (body.input as unknown[]) : [body.input];
  const results = inputs.map((input) => {
    const violence = /\b(kill|bomb|murder)\b/i.test(JSON.stringify(input) ?? '');
    const categories = { harassment: false, hate: false, 'self-harm': false, sexual: false, violence };
    const category_scores = { harassment: 0, hate: 0, 'self-harm': 0, sexual: 0, violence: violence ? 0.98 : 0.01 };
    return { flagged: violence, categories, category_scores };
  });
  const id = pseudoId('modr-', JSON.stringify(body.input));
  return jsonReply({ id, model: String(body.model ?? 'omni-moderation-latest'), results });
}

/** Bytes of every value in a WAV file: what is not text must not be treated as text. */
export function speechReply(body: JsonObject): SimulatedReply {
  if (typeof body.input !== 'string' || body.input === '') {
    return errorReply({ status: 400, message: "Missing required parameter: 'input'.", param: 'input' });
  }
  const samples = Buffer.alloc(Math.min(body.input.length * 400, 1 << 20));
  for (let i = 0; i < samples.length; i++) samples[i] = (i * 7 + hashText(body.input)) & 0xff;
  return plainReply(Buffer.concat([wavHeader(samples.length), samples]), 'audio/wav');
}

function wavHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8_000, 24);
  header.writeUInt32LE(8_000, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}

/** Says how large the file was, so that a test sees that every byte of the upload came. */
export function transcriptionReply(body: Buffer, contentType: string): SimulatedReply {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined) {
    return errorReply({ status: 400, message: 'Could not parse multipart form: no boundary in content-type.' });
  }
  const fields = multipartFields(body, boundary);
  const file = fields.get('file');
  if (!file) return errorReply({ status: 400, message: "Missing required parameter: 'file'.", param: 'file' });
  const model = fields.get('model')?.toString() ?? '';
  const text = `[${model}] A recording of ${file.length} bytes, digest ${hashText(file.toString('latin1')).toString(16)}.`;
  const format = fields.get('response_format')?.toString() ?? 'json';
  return format === 'text' ? plainReply(Buffer.from(`${text}\n`), 'text/plain; charset=utf-8') : jsonReply({ text });
}

function multipartFields(body: Buffer, boundary: string): Map<string, Buffer> {
  const fields = new Map<string, Buffer>();
  const mark = Buffer.from(`--${boundary}`);
  let at = body.indexOf(mark);
  while (at >= 0) {
    const start = at + mark.length + 2;
    const next = body.indexOf(mark, start);
    if (next < 0) break;
    const headEnd = body.indexOf('\r\n\r\n', start);
    const name = /name="([^"]*)"/.exec(body.toString('utf8', start, headEnd))?.[1];
    if (name !== undefined && headEnd < next) fields.set(name, body.subarray(headEnd + 4, next - 2));
    at = next;
  }
  return fields;
}

/** One grey pixel. */
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==';

export function imageReply(body: JsonObject, created: number): SimulatedReply {
  if (typeof body.prompt !== 'string') {
    return errorReply({ status: 400, message: "Missing required parameter: 'prompt'.", param: 'prompt' });
  }
  const n = typeof body.n === 'number' ? Math.max(1, Math.min(10, body.n)) : 1;
  return jsonReply({ created, data: objects(Array.from({ length: n }, () => ({ b64_json: pixel }))) });
}
