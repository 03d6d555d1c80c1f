import { expect, test } from 'vitest';
import type { Mark } from '../../protocol/log.ts';
import { firstLine, SecretInput, submitsLine } from './secret-input.ts';

/** Types lines into a terminal that does not echo; `processes` is the newest process id as each is submitted. */
function type(secrets: SecretInput, line: string, newestProcess: number): string[] {
  return written(secrets, line, newestProcess, 'bash').map((mark) => mark.mark);
}

function written(secrets: SecretInput, line: string, newestProcess: number, reader: string): Mark[] {
  secrets.seen(true);
  return secrets.written(
    Buffer.from(line),
    () => newestProcess,
    () => reader,
  );
}

test('a password leaves one mark, however it is typed', () => {
  const secrets = new SecretInput();
  expect(['h', 'u', 'nter2', '\r'].flatMap((part) => type(secrets, part, 5))).toEqual(['secret']);
});

test('each line leaves a mark of its own', () => {
  const secrets = new SecretInput();
  expect([...type(secrets, 'one\r', 5), ...type(secrets, 'two\r', 5)]).toEqual(['secret', 'secret']);
});

test('a shell that runs what it reads without echo is told, once', () => {
  const secrets = new SecretInput();
  expect(type(secrets, 'kubectl get secrets\r', 20)).toEqual(['secret']);
  expect(type(secrets, 'ls\r', 21)).toEqual(['secret', 'hidden-shell']);
  expect(type(secrets, 'ls\r', 22)).toEqual(['secret']);
});

test('it is named, not what it runs when that still holds the terminal', () => {
  const secrets = new SecretInput();
  written(secrets, 'id\r', 20, 'bash');
  expect(written(secrets, 'id\r', 21, 'id')).toContainEqual({
    mark: 'hidden-shell',
    detail: 'bash runs commands from input that the terminal hides',
  });
});

test('password prompts one after the other, with echo between them, are not a shell', () => {
  const secrets = new SecretInput();
  for (let process = 20; process < 25; process += 1) {
    expect(type(secrets, 'pw\r', process)).toEqual(['secret']);
    secrets.seen(false);
  }
});

test('a prompt that asks again without starting anything is not a shell', () => {
  const secrets = new SecretInput();
  expect([1, 2, 3].flatMap(() => type(secrets, 'pw\r', 20))).toEqual(['secret', 'secret', 'secret']);
});

test('lines end at return, newline and end of file', () => {
  expect(Buffer.from(firstLine(Buffer.from('pw\rls\r'))).toString()).toBe('pw\r');
  expect(Buffer.from(firstLine(Buffer.from('pw'))).toString()).toBe('pw');
  for (const end of ['\r', '\n', '\x04']) expect(submitsLine(Buffer.from(`x${end}`))).toBe(true);
  expect(submitsLine(Buffer.from('\rx'))).toBe(false);
});
