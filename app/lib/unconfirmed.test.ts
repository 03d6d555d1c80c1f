import { expect, test } from 'vitest';
import { closeUnconfirmed, noteAnswer, unconfirmed, unconfirmedSentence } from './unconfirmed.ts';

const answer = (count?: string) => new Headers(count ? { 'x-sallyport-unconfirmed-replicas': count } : {});

test('an answer that names replicas is kept until the notice is closed', () => {
  noteAnswer(answer());
  expect(unconfirmed.get()).toBe(0);
  noteAnswer(answer('2'));
  noteAnswer(answer());
  expect(unconfirmed.get()).toBe(2);
  closeUnconfirmed();
  expect(unconfirmed.get()).toBe(0);
});

test('one is one, two are some', () => {
  expect(unconfirmedSentence(1)).toContain('1 replica of the portal has not');
  expect(unconfirmedSentence(2)).toContain('2 replicas of the portal have not');
});
