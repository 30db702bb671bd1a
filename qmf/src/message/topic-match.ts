/** A binding key of a topic exchange, split once so that matching a routing key only walks words. */
export type TopicPattern = readonly string[];

export function topicPattern(bindingKey: string): TopicPattern {
  return bindingKey.split('.');
}

/**
 * Whether a routing key matches a binding key of an AMQP topic exchange: words are separated by dots, `*` stands for exactly
 * one word and `#` for any number of words, none included (AMQP 0-10 §3.3.1.2, as qpidd does it).
 */
export function matchesTopic(pattern: TopicPattern, routingKey: string): boolean {
  return matchWords(pattern, routingKey.split('.'));
}

/**
 * Greedy matching that goes back to the last `#` only, so hostile patterns cost words × pattern at most and not more.
 */
function matchWords(pattern: TopicPattern, words: readonly string[]): boolean {
  let at = 0;
  let word = 0;
  let hashAt = -1;
  let resumeWord = 0;
  while (word < words.length) {
    const part = pattern[at];
    if (part === '#') {
      hashAt = at++;
      resumeWord = word;
    } else if (part !== undefined && (part === '*' || part === words[word])) {
      at++;
      word++;
    } else if (hashAt >= 0) {
      at = hashAt + 1;
      word = ++resumeWord;
    } else {
      return false;
    }
  }
  while (pattern[at] === '#') at++;
  return at === pattern.length;
}
