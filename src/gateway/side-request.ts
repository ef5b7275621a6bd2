/**
 * Side requests: what chat clients ask about a conversation on its margin (a title, tags, follow-up questions, a
 * summary for compaction). They are routed like any prompt, but neither read nor write the conversation's pin. All
 * rules stand here; they are looked for in the first 2,000 characters of the last user message.
 */
const rules: readonly RegExp[] = [
  /^#+\s*task:\s*\n\s*(generate|suggest|create|analy[sz]e|determine)\b/i,
  /\b(generate|create|write|suggest|give|provide|come up with)\b[^.\n]{0,60}\btitle\b[^.\n]{0,60}\b(this|the|our|following|above)?\s*(conversation|chat|dialog(ue)?|thread|session|discussion)\b/i,
  /\b(conversation|chat)\s+title\b/i,
  /\bsummari[sz]e\b[^.\n]{0,40}\b(our|this|the)\s+(conversation|chat)\b/i,
  /\b(suggest|generate)\b[^.\n]{0,40}\bfollow[- ]?up questions?\b[^.\n]{0,60}\b(user|conversation|chat)\b/i,
];

export function isSideRequest(lastUserText: string): boolean {
  const head = lastUserText.length > 2_000 ? lastUserText.slice(0, 2_000) : lastUserText;
  return rules.some((rule) => rule.test(head));
}
