/** The discovery documents (RFC 7644 §4): the same for every client, and never filtered. */
import { resourceTypes, schemas, serviceProviderConfig } from '../protocols/scim/discovery.ts';
import { ScimError } from '../protocols/scim/error.ts';
import type { At, DirectoryAnswer, DirectoryRequest } from './directory-request.ts';

export function answerDiscovery({ base, users }: At, { segments, query }: DirectoryRequest): DirectoryAnswer {
  const [kind, id] = segments;
  if (query['filter'] !== undefined) throw new ScimError(403, null, 'filter is not supported on discovery endpoints (RFC 7644 §4)');
  const body =
    kind === 'ServiceProviderConfig' ? serviceProviderConfig(base) : kind === 'Schemas' ? schemas(base, users, id) : resourceTypes(base, users, id);
  if (!body) throw new ScimError(404, null, 'Resource not found');
  return { status: 200, body, headers: {}, changed: null, ignored: [] };
}
