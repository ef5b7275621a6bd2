/**
 * Coding agents wrap what their user said in long texts of their own: reminders, open files, the state of the editor.
 * Embedded as they come, every prompt would look like code. All rules about them stand here: tags that only programs
 * write, so that a person's own markup is left alone.
 *
 *   drop    the tag and all in it        <system-reminder>…</system-reminder>
 *   unwrap  the tag, not what is in it   <task>…</task>
 *   only    what is in it, nothing else  <user_query>…</user_query>
 *
 * One pass, linear in the text: a tag that is never closed is looked for once. Requests themselves are never changed.
 */

type Rule = 'drop' | 'unwrap' | 'only';

/** By the program that writes them; names are compared as they stand. */
const rules = new Map<string, Rule>([
  // Claude Code and programs built on its kit.
  ...rowsOf('drop', [
    'system-reminder',
    'command-name',
    'command-message',
    'local-command-stdout',
    'local-command-stderr',
    'local-command-caveat',
    'user-prompt-submit-hook',
    'ide_opened_file',
    'ide_selection',
    'ide_diagnostics',
    'task-notification',
  ]),
  ...rowsOf('unwrap', ['command-args']),
  // Cline, Roo Code, Kilo Code.
  ...rowsOf('drop', [
    'environment_details',
    'file_content',
    'folder_content',
    'explicit_instructions',
    'workspace_diagnostics',
    'git_working_state',
    'terminal_output',
  ]),
  ...rowsOf('unwrap', ['task', 'feedback', 'user_message', 'new_task']),
  // Cursor.
  ...rowsOf('drop', [
    'additional_data',
    'attached_files',
    'open_and_recently_viewed_files',
    'project_layout',
    'git_status',
    'user_info',
    'cursor_rules_context',
    'manually_attached_skills',
    'agent_transcripts',
  ]),
  ...rowsOf('only', ['user_query']),
  // GitHub Copilot.
  ...rowsOf('drop', ['environment_info', 'workspace_info', 'editorContext', 'repoContext', 'reminderInstructions']),
  ...rowsOf('only', ['userRequest', 'user-request']),
  // Codex.
  ...rowsOf('drop', ['environment_context', 'user_instructions', 'turn_aborted']),
  // Windsurf, OpenHands.
  ...rowsOf('drop', ['ADDITIONAL_METADATA', 'ENVIRONMENT_INFO', 'RUNTIME_INFORMATION', 'EXTRA_INFO']),
  ...rowsOf('only', ['USER_REQUEST']),
]);

/** A line after which the user speaks; what stands before it is the editor's. */
const requestHeading = '## My request for Codex:';

/** Tools of agents that speak no tool protocol answer in the user's name: `[read_file for 'a.ts'] Result:`. */
const toolResult = /^\s*\[[a-z_]{2,40}(?: for '[^'\n]{0,300}')?\] Result:/;

/** Changes from request to request in front of the system prompt of Claude Code, and would lose every pin. */
const billingLine = /^x-anthropic-billing-header:[^\n]*\n?/;

/** What the user said, without what a program has put around it. */
export function stripWrappers(text: string): string {
  const heading = text.indexOf(requestHeading);
  const said = heading < 0 ? text : text.slice(heading + requestHeading.length);
  return said.includes('</') ? stripTags(said) : said;
}

/** A user message that is the result of a tool, in words. */
export function isToolResultText(text: string): boolean {
  return toolResult.test(text);
}

export function stableSystemText(text: string): string {
  return text.startsWith('x-anthropic-billing-header:') ? text.replace(billingLine, '') : text;
}

function stripTags(text: string): string {
  const kept: string[] = [];
  const unclosed = new Set<string>();
  const tag = /<(\/?)([A-Za-z][\w-]{1,40})(?:\s[^<>]{0,500})?>/g;
  let from = 0;
  for (let match = tag.exec(text); match !== null; match = tag.exec(text)) {
    const [whole, slash, name] = match;
    const rule = rules.get(name);
    if (rule === undefined || unclosed.has(name)) continue;
    const inside = match.index + whole.length;
    if (slash === '/') {
      if (rule !== 'unwrap') continue;
      kept.push(text.slice(from, match.index));
      from = inside;
      continue;
    }
    const end = text.indexOf(`</${name}>`, inside);
    if (end < 0) {
      unclosed.add(name);
      continue;
    }
    if (rule === 'only') return stripTags(text.slice(inside, end)).trim();
    kept.push(text.slice(from, match.index));
    from = rule === 'drop' ? end + name.length + 3 : inside;
    tag.lastIndex = from;
  }
  if (from === 0) return text;
  kept.push(text.slice(from));
  return kept.join('').trim();
}

function rowsOf(rule: Rule, names: readonly string[]): (readonly [string, Rule])[] {
  return names.map((name) => [name, rule] as const);
}
