/** Reads what drizzle-kit generated. Each backend applies it under its own lock; `schema_migration` remembers what was applied. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Migration {
  name: string;
  /** SHA-256 of the file. */
  digest: string;
  statements: string[];
}
export interface Applied {
  name: string;
  digest: string;
}

export const MIGRATION_TABLE =
  'create table if not exists schema_migration (name text primary key not null, digest text not null, applied_at text not null)';

/** In order of application. */
export function readMigrations(dialect: 'sqlite' | 'postgres'): Migration[] {
  const folder = fileURLToPath(new URL(`./migrations/${dialect}/`, import.meta.url));
  const { entries } = JSON.parse(readFileSync(`${folder}meta/_journal.json`, 'utf8')) as { entries: { tag: string }[] };
  return entries.map(({ tag }) => {
    const text = readFileSync(`${folder}${tag}.sql`, 'utf8');
    const statements = text.split('--> statement-breakpoint').map((s) => s.trim());
    return { name: tag, digest: createHash('sha256').update(text).digest('hex'), statements: statements.filter((s) => s !== '') };
  });
}

/**
 * What is still to be applied. A file that was changed after it was applied is a fault: nobody knows what such a database looks like.
 * Migrations that only the database knows are left alone, so that a step back to the previous release starts.
 */
export function pendingMigrations(all: Migration[], applied: Applied[]): Migration[] {
  const known = new Map(applied.map((a) => [a.name, a.digest]));
  const changed = all.find((m) => known.has(m.name) && known.get(m.name) !== m.digest);
  if (changed) throw new Error(`migration ${changed.name} differs from what this database was migrated with`);
  return all.filter((m) => !known.has(m.name));
}

/** For a process that was told not to migrate. */
export function refusePending(pending: Migration[]): void {
  if (pending.length > 0) throw new Error(`${pending.length} migration(s) are waiting (${pending[0]!.name}, …): run \`matricula migrate\` first`);
}
