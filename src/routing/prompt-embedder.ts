/**
 * The embedder that decisions use: prompts are cut to their excerpt before they are embedded, exactly as the examples of
 * the index were. Serving, explaining and evaluating all embed through it; `/v1/embeddings` does not.
 */
import type { Embedder, Embedding } from '../embedding/contract.ts';
import { embeddingText } from './excerpt.ts';

export type PromptEmbedder = Pick<Embedder, 'embedInline' | 'embed'>;

export function promptEmbedder(embedder: Embedder): PromptEmbedder {
  const { embedInline } = embedder;
  return {
    embedInline:
      embedInline === null
        ? null
        : (text, role) => {
            const excerpt = embeddingText(text);
            return said(text, excerpt, embedInline(excerpt, role));
          },
    async embed(texts, options) {
      const excerpts = texts.map(embeddingText);
      const embeddings = await embedder.embed(excerpts, options);
      return embeddings.map((embedding, i) => said(texts[i], excerpts[i], embedding));
    },
  };
}

/** A prompt of which only an excerpt was read is truncated, and says so. */
function said(text: string, excerpt: string, embedding: Embedding): Embedding {
  return embedding.truncated || excerpt.length >= text.trim().length ? embedding : { ...embedding, truncated: true };
}
