/** catalogue: everything that people can be given at a site. There is no list of bundles: products say which they are, and hold the three kinds of ids together. */
import * as z from 'zod';
import type { CatalogueEntry, Resource } from '../connector.ts';
import { idSchema } from './answers.ts';
import type { Groups } from './groups.ts';
import type { Rest } from './rest.ts';

const textSchema = z
  .string()
  .nullish()
  .transform((text) => text ?? '');
const productSchema = z.object({
  id: idSchema,
  productable_id: idSchema.nullish(),
  productable_type: textSchema,
  name: textSchema,
  slug: textSchema,
});
const collectionSchema = z.object({ id: idSchema, name: textSchema, slug: textSchema, product_ids: z.array(idSchema).nullish() });
type Product = z.infer<typeof productSchema>;

export async function readCatalogue(rest: Rest, groups: Groups, signal: AbortSignal): Promise<CatalogueEntry[]> {
  const products = new Map<string, Sold>();
  for (const product of await rest.list(productSchema, { about: 'reading the products', path: '/products', signal })) {
    const sold = soldIn(product);
    if (sold) products.set(product.id, sold);
  }
  const collections = await rest.list(collectionSchema, { about: 'reading the collections', path: '/collections', signal });
  const entries: CatalogueEntry[] = [...products].map(([productId, { kind, id, name, slug }]) => ({
    kind,
    id,
    name,
    slug,
    otherIds: [productId],
    contents: [],
  }));
  for (const { id, name, slug, product_ids } of collections) {
    const productIds = product_ids ?? (await productsOf(rest, id, signal));
    const contents = productIds.flatMap((productId): Resource[] => {
      const sold = products.get(productId);
      return sold ? [{ kind: sold.kind, id: sold.id, name: sold.name }] : [];
    });
    entries.push({ kind: 'collection', id, name, slug: slug || null, otherIds: [], contents });
  }
  for (const { id, name } of await groups.all(signal)) entries.push({ kind: 'group', id, name, slug: null, otherIds: [], contents: [] });
  return entries;
}

interface Sold extends Resource {
  kind: 'course' | 'bundle';
  slug: string | null;
}

/** Null for what nobody can be enrolled in: downloads, coaching, communities. */
function soldIn({ productable_id, productable_type, name, slug }: Product): Sold | null {
  const kind = ({ course: 'course', bundle: 'bundle' } as const)[productable_type.toLowerCase()];
  return kind && productable_id ? { kind, id: productable_id, name, slug: slug || null } : null;
}

const productsOf = async (rest: Rest, collectionId: string, signal: AbortSignal): Promise<string[]> =>
  (
    await rest.list(z.object({ id: idSchema }), { about: "reading a collection's products", path: `/collections/${collectionId}/products`, signal })
  ).map(({ id }) => id);
