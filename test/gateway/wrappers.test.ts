import { describe, expect, test } from 'vitest';
import { isToolResultText, stripWrappers } from '../../src/gateway/wrappers.ts';

describe('what agents wrap around the user’s words', () => {
  test.each([
    ['Claude Code', '<system-reminder>\nuse npm\n</system-reminder>\nTranslate this', 'Translate this'],
    [
      'Claude Code, a command',
      '<command-name>/say</command-name><command-args>hello there</command-args>',
      'hello there',
    ],
    [
      'Cline',
      '<task>\nFix the title\n</task>\n<environment_details>\n# Time\n1\n</environment_details>',
      'Fix the title',
    ],
    [
      'Cline, with files',
      '<task>See \'a.ts\' (see below)</task><file_content path="a.ts">\nlet x;\n</file_content>',
      "See 'a.ts' (see below)",
    ],
    ['Cursor', '<attached_files>x</attached_files>\n<user_query>\nWhat is this?\n</user_query>\nmore', 'What is this?'],
    ['Copilot', '<editorContext>main.c</editorContext><userRequest>Explain it</userRequest>', 'Explain it'],
    ['Codex', '# Context from my IDE setup:\n- a\n\n## My request for Codex:\nRename it', '\nRename it'],
    ['Windsurf', '<USER_REQUEST>Do it</USER_REQUEST><ADDITIONAL_METADATA>t</ADDITIONAL_METADATA>', 'Do it'],
    ['only wrappers', '<environment_context>\n<cwd>/</cwd>\n</environment_context>', ''],
    [
      'a person’s own markup',
      'Why does <div>a</div> and <context>b</context> break?',
      'Why does <div>a</div> and <context>b</context> break?',
    ],
    ['a tag that is never closed', 'What is <system-reminder>? And </b>?', 'What is <system-reminder>? And </b>?'],
    ['the same words', 'a < b and c </ d', 'a < b and c </ d'],
  ])('%s', (_name, text, said) => {
    expect(stripWrappers(text)).toBe(said);
  });

  test('are taken off in linear time, whatever is sent', () => {
    const hostile = `${'<task>'.repeat(20_000)}${'<user_query'.repeat(20_000)}</x>${'<system-reminder>'.repeat(20_000)}`;
    expect(stripWrappers(hostile).length).toBeGreaterThan(0);
    expect(stripWrappers(`${'<system-reminder></system-reminder>'.repeat(20_000)}hi`)).toBe('hi');
  });

  test('tool results in the user’s name are told from the user', () => {
    expect(isToolResultText("[read_file for 'src/a b.ts'] Result:\nlet x;")).toBe(true);
    expect(isToolResultText('[attempt_completion] Result:\ndone')).toBe(true);
    expect(isToolResultText('[todo] what is left?')).toBe(false);
  });
});
