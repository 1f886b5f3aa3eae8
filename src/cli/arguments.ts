/** What words on the command line may be. Each throws what commander shows beside the command. */
import { InvalidArgumentError } from 'commander';
import type { Target } from '../core/model.ts';

export const target = (text: string): Target => {
  if (!/^(bundle|collection|group):\S+$/.test(text)) throw new InvalidArgumentError('a target is bundle:<slug>, collection:<slug> or group:<slug>');
  return text as Target;
};
export const targets = (text: string, before: Target[] | undefined): Target[] => [...(before ?? []), target(text)];
export const count = (text: string): number => {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('a number from 1 to 9999');
  return Number(text);
};
export const moment = (text: string): Date => {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError('a date, such as 2026-11-24 or 2026-11-24T08:00:00Z');
  return at;
};

export const outcome = (text: string) => {
  if (text !== 'SUCCESS' && text !== 'SKIPPED' && text !== 'FAILED') throw new InvalidArgumentError('SUCCESS, SKIPPED or FAILED');
  return text;
};
export const action = (text: string) => {
  if (text !== 'CREATE' && text !== 'UPDATE' && text !== 'DELETE') throw new InvalidArgumentError('CREATE, UPDATE or DELETE');
  return text;
};
export const resource = (text: string) => {
  if (text !== 'User' && text !== 'Group') throw new InvalidArgumentError('User or Group');
  return text;
};
