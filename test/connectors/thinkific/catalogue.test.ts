import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { effects } from '../../../fixtures/sample-platform/faults.ts';
import { resolve } from '../../../src/core/entitlement.ts';
import { makeWorld, signal, type World } from './world.ts';

describe("a site's catalogue", () => {
  let world: World;
  beforeEach(async () => {
    world = await makeWorld();
  });
  afterEach(() => world.close());
  const read = () => world.connector.catalogue(signal());
  const pageOf = (items: unknown[], next_page: number | null = null) => effects.answer(200, { items, meta: { pagination: { next_page } } });

  it('has courses and bundles with the ids that one enrols by, and those of their products beside them', async () => {
    const { school } = world.platform;
    const entries = await read();
    const { id, productId } = school.course('alone');
    expect(entries).toContainEqual({
      kind: 'course',
      id: String(id),
      otherIds: [String(productId)],
      slug: 'alone',
      name: 'Course alone',
      contents: [],
    });
    const bundle = school.bundle('one');
    expect(entries).toContainEqual({
      kind: 'bundle',
      id: String(bundle.id),
      otherIds: [String(bundle.productId)],
      slug: 'one',
      name: 'Bundle one',
      contents: [],
    });
    const north = school.group('North');
    expect(entries).toContainEqual({ kind: 'group', id: String(north.id), otherIds: [], slug: null, name: 'North', contents: [] });
    expect(entries).toHaveLength(7 + 2 + 1 + 3);
    expect(world.asked()).toEqual(['GET /products 200', 'GET /collections 200', 'GET /groups 200']);
  });

  it('has collections with the courses and bundles that their products are', async () => {
    const contents = [world.resource('course', 'alone'), world.resource('bundle', 'two')];
    expect((await read()).find(({ kind }) => kind === 'collection')).toMatchObject({ slug: 'both', contents });
  });

  it('asks what a collection holds where the collection does not say', async () => {
    const { id } = world.platform.school.collection('both');
    world.platform.faults.add({ path: /collections\?/, effect: pageOf([{ id, name: 'Both', slug: 'both' }]) });
    const contents = [world.resource('course', 'alone'), world.resource('bundle', 'two')];
    expect((await read()).find(({ kind }) => kind === 'collection')).toMatchObject({ contents });
  });

  it('names, slugs and all three kinds of ids lead to the same thing', async () => {
    const entries = await read();
    const { id, productId } = world.platform.school.bundle('one');
    for (const ref of ['one', 'Bundle one', String(id), String(productId)]) {
      const catalogue = { courses: [], collections: [], groups: [], bundles: [{ slug: 'ours', title: 'Ours', ref, courses: [] }] };
      expect(resolve('bundle:ours', catalogue, entries)).toEqual([world.resource('bundle', 'one')]);
    }
  });

  it('is read to the last page', async () => {
    for (let i = 0; i < 300; i++) world.platform.school.addCourse({ slug: `more-${i}`, name: `More ${i}` });
    expect((await read()).filter(({ kind }) => kind === 'course')).toHaveLength(307);
    expect(world.asked().filter((call) => call === 'GET /products 200')).toHaveLength(2);
  });

  it('leaves out what nobody can be enrolled in', async () => {
    const sold = { id: 1, productable_id: 7, name: 'A talk', slug: 'talk', productable_type: 'CoachingSession' };
    world.platform.faults.add({ path: /products\?/, effect: pageOf([sold, { ...sold, id: 2, productable_type: null }]) });
    expect((await read()).map(({ kind }) => kind)).toEqual(['collection', 'group', 'group', 'group']);
  });

  it.each([
    ['stands still', 1],
    ['goes back', -3],
    ['leaps', 9],
  ])('a list whose next page %s is nonsense, and is not walked for ever', async (_what, next) => {
    world.platform.faults.add({ path: /products\?/, effect: pageOf([], next) });
    await expect(read()).rejects.toMatchObject({ name: 'TransientFailure', code: 'nonsense' });
    expect(world.asked()).toHaveLength(1);
  });
});
