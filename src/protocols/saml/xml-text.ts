/** Text at the edges: into XML that we write, spelt as canonical XML spells it (xml-c14n 2.3), so that what we write is what we sign. */

export const escapeText = (text: string): string => text.replace(/[&<>\r]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' })[c]!);

export const escapeAttribute = (text: string): string =>
  text.replace(/[&<"\t\n\r]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '"': '&quot;', '\t': '&#x9;', '\n': '&#xA;', '\r': '&#xD;' })[c]!);

/** An element in canonical form: attributes in order of their names, an end tag always. `undefined` attributes are left out. */
export function canonicalElement(name: string, attributes: Record<string, string | undefined>, content = ''): string {
  const isNamespace = (key: string) => key === 'xmlns' || key.startsWith('xmlns:');
  const order = Object.keys(attributes).sort((a, b) => Number(isNamespace(b)) - Number(isNamespace(a)) || (a < b ? -1 : 1));
  const written = order.filter((key) => attributes[key] !== undefined).map((key) => ` ${key}="${escapeAttribute(attributes[key]!)}"`);
  return `<${name}${written.join('')}>${content}</${name}>`;
}

/** Text from outside for a log: one line, bounded. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').slice(0, 256);
