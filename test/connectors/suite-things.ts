/** Connector suite: what people are given and what is taken from them. */
import { expect, it } from '@jest/globals';
import type { Resource } from '../../src/connectors/connector.ts';
import { type Course, KINDS } from './suite.ts';
import { add, apply, expectDiscreet, has, keysOf, make, remove } from './suite-steps.ts';

export function thingPromises(course: Course): void {
  it('what is added is there, of each kind, and nothing else', async () => {
    for (const kind of course.connector.capabilities.add) {
      const who = await course.arrive();
      const thing = course.things('add').find((one) => one.kind === kind)!;
      await make(course, who, { operations: add(thing), desired: [thing] });
      expect(await has(course, who.id)).toEqual(keysOf([thing]));
    }
  });

  it('adding what is there is done, and doubles nothing', async () => {
    const who = await course.arrive();
    const desired = course.things('add');
    const key = course.key();
    for (const again of [key, key, course.key()]) await make(course, who, { operations: add(...desired), desired, key: again });
    expect(await has(course, who.id)).toEqual(keysOf(desired));
  });

  it('removing takes just that, of each kind, and of this person only', async () => {
    const [who, other] = [await course.arrive(), await course.arrive()];
    let desired = course.things('add');
    for (const one of [who, other]) await make(course, one, { operations: add(...desired), desired });
    const all = desired;
    for (const kind of removable(course)) {
      const going = desired.find((one) => one.kind === kind)!;
      desired = desired.filter((one) => one !== going);
      await make(course, who, { operations: remove(going), desired });
      expect(await has(course, who.id)).toEqual(keysOf(desired));
    }
    expect(await has(course, other.id)).toEqual(keysOf(all));
  });

  it('removing what is not there is done, and changes nothing', async () => {
    const who = await course.arrive();
    for (const kind of removable(course)) {
      const [stays, never] = course.things('add').filter((one) => one.kind === kind) as [Resource, Resource];
      await make(course, who, { operations: add(stays), desired: [stays] });
      await make(course, who, { operations: remove(never), desired: [stays] });
      expect(await has(course, who.id)).toEqual(keysOf([stays]));
      await make(course, who, { operations: remove(stays), desired: [] });
      await make(course, who, { operations: remove(stays), desired: [] });
      expect(await has(course, who.id)).toEqual([]);
    }
  });

  it('what was taken away can be given again', async () => {
    const who = await course.arrive();
    for (const kind of removable(course)) {
      const thing = course.things('add').find((one) => one.kind === kind)!;
      for (let round = 0; round < 2; round++) {
        await make(course, who, { operations: add(thing), desired: [thing] });
        expect(await has(course, who.id)).toEqual(keysOf([thing]));
        await make(course, who, { operations: remove(thing), desired: [] });
        expect(await has(course, who.id)).toEqual([]);
      }
    }
  });

  course.given(
    'putByHand',
    'what was put there by hand stays when ours is taken away, and is not doubled by ours',
    async () => {
      for (const kind of removable(course)) {
        const who = await course.arrive();
        const [ours, theirs] = course.things('add').filter((one) => one.kind === kind) as [Resource, Resource];
        await make(course, who, { operations: add(ours), desired: [ours] });
        await course.side.putByHand(who.id, theirs);
        await make(course, who, { operations: remove(ours), desired: [] });
        expect(await has(course, who.id)).toEqual(keysOf([theirs]));
        await make(course, who, { operations: add(ours, theirs), desired: [ours, theirs] });
        expect(await has(course, who.id)).toEqual(keysOf([ours, theirs]));
      }
    },
    () => expect(course.connector.capabilities.readBack).toBe(false),
  );

  it('reading tells exactly what there is, where it can be read', async () => {
    const { connector, side } = course;
    const who = await course.arrive();
    if (!connector.capabilities.readBack) return expect(await connector.read(who.id, side.things, new AbortController().signal)).toBeNull();
    const desired = course.things('add').filter((_, i) => i % 2 === 0);
    const read = async () => {
      const held = await connector.read(who.id, side.things, new AbortController().signal);
      const asked = new Set(keysOf(side.things));
      return { ...held, resources: keysOf(held?.resources ?? []).filter((key) => asked.has(key)) };
    };
    expect(await read()).toMatchObject({ resources: [], privileged: false });
    await make(course, who, { operations: add(...desired), desired });
    expect(await read()).toMatchObject({ resources: keysOf(desired), privileged: false });
    const [going] = desired.filter(({ kind }) => removable(course).includes(kind)) as [Resource];
    await make(course, who, { operations: remove(going), desired: desired.filter((one) => one !== going) });
    expect(await read()).toMatchObject({ resources: await has(course, who.id) });
    const { active } = (await side.observe(who.id))!;
    expect([null, active]).toContain((await read()).active);
  });

  it('what it cannot do ends as unsupported, one outcome for each operation in order, and what it can is done', async () => {
    const who = await course.arrive();
    const { add: can, remove: cannotKeep } = course.connector.capabilities;
    const thing = course.things('add')[0]!;
    const strange = (kind: Resource['kind']): Resource => course.side.things.find((one) => one.kind === kind) ?? { kind, id: 'none', name: 'none' };
    const unable = [
      ...remove(...KINDS.filter((kind) => !cannotKeep.includes(kind)).map(strange)),
      ...add(...KINDS.filter((kind) => !can.includes(kind)).map(strange)),
    ];
    const operations = [...unable, ...add(thing)];
    const applied = await apply(course, who, { operations, desired: [thing] });
    await course.side.settle?.();
    expect(applied.map(({ operation }) => operation)).toEqual(operations);
    for (const { outcome } of applied.slice(0, -1)) {
      expect(outcome).toMatchObject({ name: 'TerminalFailure', code: 'unsupported', scope: 'person' });
      expectDiscreet(outcome as Error, who.person, course.side);
    }
    expect(['done', 'queued']).toContain(applied.at(-1)!.outcome);
    expect(await has(course, who.id)).toEqual(keysOf([thing]));
  });
}

/** Kinds that it can both give and take away. */
const removable = ({ connector: { capabilities } }: Course) => capabilities.add.filter((kind) => capabilities.remove.includes(kind));
