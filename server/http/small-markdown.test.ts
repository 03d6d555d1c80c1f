import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorPage } from './error-page.ts';
import { renderMarkdown } from './small-markdown.ts';

test('the forms that the files use', () => {
  const source = [
    '# a-code',
    'One sentence,\nin two lines, with `<code>` and **more**.',
    '- one: `x`\n- two',
    '## What to do',
    '| a | b |\n| --- | --- |\n| `x\\|y` | [`other`](other-code.md) |',
  ].join('\n\n');
  expect(renderMarkdown(source)).toEqual({
    title: 'a-code',
    html:
      '<p>One sentence, in two lines, with <code>&#60;code&#62;</code> and <strong>more</strong>.</p>' +
      '<ul><li>one: <code>x</code></li><li>two</li></ul><h2>What to do</h2>' +
      '<table><tr><th>a</th><th>b</th></tr>' +
      '<tr><td><code>x|y</code></td><td><a href="/docs/errors/other-code"><code>other</code></a></td></tr></table>',
  });
});

test.each([
  '<script>alert(1)</script>',
  '# <img src=x onerror=alert(1)>',
  '- <b onclick="x">',
  '`<i>`',
  '**<i>**',
  '[<i>](a.md)',
  '[`<i>`](a.md)',
  '| a |\n| --- |\n| <i> |',
  '## <i>',
  '&lt;i&gt; <!-- <i> -->',
])('HTML in a file is text: %s', (source) => {
  const { html } = renderMarkdown(`# t\n\n${source}`);
  expect(html).not.toMatch(/<(script|img|b|i|!)\b/);
  expect(html).not.toMatch(/<[^>]*\son\w+=/);
  expect(html).toMatch(/&#60;|&#38;/);
});

test.each([
  'javascript:alert(1)',
  'https://elsewhere.example/',
  '//elsewhere.example',
  '../README.md',
  'a.md"x="',
  'A.md',
])('a link that leads out of the folder is its words only: %s', (target) => {
  expect(renderMarkdown(`# t\n\n[words](${target})`).html).not.toContain('<a');
});

test('each file of the folder is a page with a policy that runs nothing; no other name is found', () => {
  const files = readdirSync(new URL('../../docs/errors/', import.meta.url)).map((name) => name.replace(/\.md$/, ''));
  expect(files.length).toBeGreaterThan(100);
  for (const name of files) {
    const page = errorPage(name);
    expect(page.found, name).toBe(true);
    expect(page.csp).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+'; frame-ancestors 'none'/);
    // What is left of Markdown would be a form that the renderer does not know.
    const text = page.body.replace(/<code>.*?<\/code>/g, '').replace(/<[^>]+>/g, '');
    expect(text.slice(text.indexOf('Sallyport')), name).not.toMatch(/\*\*|\]\(|^#|\|/m);
  }
  for (const name of ['', '.', '..', '../errors', 'no-such-code', 'constructor', '<script>'])
    expect(errorPage(name).found, name).toBe(false);
});
