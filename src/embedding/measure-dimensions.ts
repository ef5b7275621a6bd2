/** Runs a model once, on the calling thread, to see how long its vectors are. For adding models; a server never needs it. */
import type { ModelSpec } from './model-directory.ts';
import { readTokenizer } from './read-tokenizer.ts';

/** Throws `bad_model` when the model cannot be run, or gives another length than its configs declare. */
export async function measureDimensions(spec: ModelSpec): Promise<number> {
  const tokenizer = await readTokenizer(spec);
  const { openOnnxSession } = await import('./onnx-session.ts');
  const session = await openOnnxSession(spec);
  try {
    const [vector] = await session.run(
      [tokenizer.encode('What is the capital of France?', spec.maxTokens).ids.slice()],
      tokenizer.padId,
    );
    return vector.length;
  } finally {
    await session.close();
  }
}
