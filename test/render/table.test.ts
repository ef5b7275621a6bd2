import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../src/render/display-width.ts';
import { bar, renderTable, sparkline, wantsColour } from '../../src/render/table.ts';

const columns = [{ title: 'route' }, { title: 'requests', align: 'right' as const }];

describe('renderTable', () => {
  it('aligns text left and numbers right inside light boxes', () => {
    expect(
      renderTable(
        columns,
        [
          ['translation', '412'],
          ['faq', '7'],
        ],
        { footer: [['total', '419']] },
      ),
    ).toBe(
      [
        '┌─────────────┬──────────┐',
        '│ route       │ requests │',
        '├─────────────┼──────────┤',
        '│ translation │      412 │',
        '│ faq         │        7 │',
        '├─────────────┼──────────┤',
        '│ total       │      419 │',
        '└─────────────┴──────────┘',
      ].join('\n'),
    );
  });

  it('keeps every line equally wide with wide characters, accents and emoji', () => {
    const table = renderTable(columns, [
      ['翻訳', '1'],
      ['traduc\u0301tion', '2'],
      ['👩‍💻 code', '3'],
    ]);
    expect(new Set(table.split('\n').map(displayWidth)).size).toBe(1);
  });

  it('never lets a cell drive the terminal', () => {
    const table = renderTable(columns, [['\u001b[31mred\u001b[0m\u0007\nnext', '1']]);
    expect(table).not.toContain('\u001b');
    expect(table).toContain('red next');
  });

  it('adds colour only when asked, and the same width either way', () => {
    const rows = [[{ text: 'faq', tone: 'good' as const }, '1']];
    const plain = renderTable(columns, rows);
    const coloured = renderTable(columns, rows, { colour: true });
    expect(plain).not.toContain('\u001b');
    expect(coloured).toContain('\u001b[32mfaq\u001b[0m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: taking the colours out again
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain);
  });

  it('cuts long cells with an ellipsis', () => {
    expect(renderTable([{ title: 'text', maxWidth: 6 }], [['abcdefghij']])).toContain('│ abcde… │');
  });

  it('draws a table without rows', () => {
    expect(renderTable(columns, []).split('\n')).toHaveLength(4);
  });
});

describe('wantsColour', () => {
  it('says yes on a terminal only, and no with NO_COLOR or a dumb terminal', () => {
    expect(wantsColour({ isTTY: true }, {})).toBe(true);
    expect(wantsColour({}, {})).toBe(false);
    expect(wantsColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColour({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
  });
});

describe('bar', () => {
  it('fills its width in proportion, in eighths', () => {
    expect(bar(1, 1, 4)).toBe('████');
    expect(bar(0.5, 1, 4)).toBe('██  ');
    expect(bar(1, 8, 1)).toBe('▏');
  });

  it('stays inside its width for values out of range and for nonsense', () => {
    for (const [value, max] of [
      [9, 1],
      [-1, 1],
      [Number.NaN, 1],
      [1, 0],
      [Number.POSITIVE_INFINITY, 1],
    ] as const) {
      expect(displayWidth(bar(value, max, 5))).toBe(5);
    }
  });
});

describe('sparkline', () => {
  it('scales from the least to the greatest and leaves unknown values blank', () => {
    expect(sparkline([0, null, 7])).toBe('▁ █');
    expect(sparkline([3, 3])).toBe('▄▄');
    expect(sparkline([])).toBe('');
  });
});
