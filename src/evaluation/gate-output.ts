/** A gate's lines for machines: JUnit XML, and annotations as GitHub Actions reads them from standard output. */
import type { GateLine } from './gate.ts';

export function junitOf(lines: readonly GateLine[], name: string): string {
  const failed = lines.filter((line) => !line.passed).length;
  const cases = lines.map((line) => {
    const head = `    <testcase classname="${xml(name)}" name="${xml(line.key)}"`;
    if (line.passed) return `${head}/>`;
    return `${head}><failure message="${xml(`${line.key}: ${line.words}`)}"/></testcase>`;
  });
  const suite = `name="${xml(name)}" tests="${lines.length}" failures="${failed}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${lines.length}" failures="${failed}">`,
    `  <testsuite ${suite}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export function annotationsOf(lines: readonly GateLine[], gateFile: string): string[] {
  const failed = lines.filter((line) => !line.passed);
  return failed.map(
    (line) => `::error file=${property(gateFile)},title=shunt eval gate::${data(`${line.key}: ${line.words}`)}`,
  );
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

function xml(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // XML 1.0 has no way to write these.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '')
  );
}
