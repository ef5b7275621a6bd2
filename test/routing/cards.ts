/** Routes for tests: a name and examples, the rest as a card without further keys would have it. */
import { plainRoute } from '../../bench/plain-route.ts';
import type { Route } from '../../src/routing/route.ts';

export function route(name: string, examples: readonly string[], rest: Partial<Route> = {}): Route {
  return { ...plainRoute(name, examples), file: `${name}.yaml`, ...rest };
}

export const translation = route('translation', [
  'Translate to French: good morning',
  'How do you say thank you in Spanish?',
  'translate this sentence into German: the train is late',
  'What is the Italian word for kitchen?',
  'Please translate the following email to English',
  'say happy birthday in Portuguese',
  'turn this paragraph into Dutch for me',
  'translate "see you tomorrow" into Polish',
]);

export const summarization = route('summarization', [
  'Summarise this article in three sentences',
  'give me the key points of the meeting notes below',
  'tl;dr of this thread please',
  'Write a short summary of the report',
  'condense the following text to one paragraph',
  'what are the main takeaways from this transcript?',
  'sum up the discussion in five bullets',
  'make an abstract of this paper',
]);

export const smallTalk = route('small-talk', [
  'hi there, how are you?',
  'good morning!',
  'thanks a lot, you are great',
  'tell me a joke',
  'who are you?',
  'bye, see you later',
  'what is up',
  'nice to meet you',
]);

export const threeRoutes = [translation, summarization, smallTalk];
