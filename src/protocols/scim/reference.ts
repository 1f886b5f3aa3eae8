/** reference: what an address names, where a client sends no more than that (`https://…/Users/u1`, `../Users/u1`). */

/** The last segment, decoded, and the kind of resource before it; both '' where there is none. */
export function readReference(address: string): { id: string; kind: string } {
  const [last = '', kind = ''] = address
    .replace(/[?#].*$/s, '')
    .split('/')
    .filter((one) => one !== '')
    .reverse();
  return { id: decoded(last), kind };
}

/** What cannot be decoded is nobody's id, and stays as it is. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
