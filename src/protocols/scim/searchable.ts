/** searchable: by which values a user is found. Kept beside the rows by the store, moved in the plan's own transaction. */
import type { Person } from '../../core/model.ts';
import type { SearchValue } from '../../core/search.ts';

/** What is new and what is gone between two states. */
export function searchMoves(before: Person | null, after: Person): { gone: SearchValue[]; come: SearchValue[] } {
  const key = ({ attribute, element, value }: SearchValue) => JSON.stringify([attribute, element, value]);
  const was = new Map((before ? searchValues(before) : []).map((one) => [key(one), one]));
  const is = new Map(searchValues(after).map((one) => [key(one), one]));
  return { gone: [...was].filter(([k]) => !is.has(k)).map(([, one]) => one), come: [...is].filter(([k]) => !was.has(k)).map(([, one]) => one) };
}

/** None of a tombstone's. */
export function searchValues(_state: Person): SearchValue[] {
  return [];
}
