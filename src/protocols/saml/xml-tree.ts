/** A strict, namespace-aware reading of XML into plain data: what responses, verified assertions and metadata are read through. */
import { SaxesParser, type SaxesTagNS } from 'saxes';
import type { Refusal } from '../../core/refusal.ts';
import { nameOf } from './vocabulary.ts';

export interface XmlElement {
  /** As `nameOf` spells it. */
  name: string;
  local: string;
  /** By `nameOf`; namespace declarations are not among them. */
  attributes: ReadonlyMap<string, string>;
  children: XmlElement[];
  /** The text directly inside, references resolved. */
  text: string;
  /** Where in the document, counted in characters of its string, the start tag ends and the element ends. */
  startTagEnd: number;
  end: number;
}

export interface TreeLimits {
  depth: number;
  elements: number;
  /** On one element, and altogether. */
  attributes: number;
  allAttributes: number;
}

export type TreeProblem = 'xml' | 'doctype' | 'too-deep' | 'too-many-elements' | 'too-many-attributes';

/**
 * Well-formed with namespaces, no DOCTYPE, within the limits, or what `refuse` makes of it. Reading stops at the first problem.
 * Comments and processing instructions are skipped (the response's filter has refused them before).
 */
export function readTree(xml: string, limits: TreeLimits, refuse: (problem: TreeProblem, detail: string) => Refusal): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: XmlElement[] = [];
  let root: XmlElement | undefined;
  const count = { elements: 0, attributes: 0 };

  parser.on('error', (error) => {
    throw refuse('xml', error.message);
  });
  parser.on('doctype', () => {
    throw refuse('doctype', '');
  });
  parser.on('opentag', (tag) => {
    const element = elementOf(tag, parser.position);
    count.elements += 1;
    count.attributes += Object.keys(tag.attributes).length;
    if (open.length >= limits.depth) throw refuse('too-deep', `more than ${limits.depth}`);
    if (count.elements > limits.elements) throw refuse('too-many-elements', `more than ${limits.elements}`);
    if (element.attributes.size > limits.attributes || count.attributes > limits.allAttributes) throw refuse('too-many-attributes', tag.local);
    if (open.length === 0) root = element;
    else open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    const parent = open.at(-1);
    if (parent) parent.text += text;
  });
  parser.on('cdata', (text) => {
    const parent = open.at(-1);
    if (parent) parent.text += text;
  });
  parser.on('closetag', () => {
    open.pop()!.end = parser.position;
  });
  parser.write(xml).close();
  if (!root) throw refuse('xml', 'no root element');
  return root;
}

function elementOf(tag: SaxesTagNS, startTagEnd: number): XmlElement {
  const attributes = new Map<string, string>();
  for (const { uri, local, prefix, name, value } of Object.values(tag.attributes)) {
    if (prefix !== 'xmlns' && name !== 'xmlns') attributes.set(nameOf(uri, local), value);
  }
  return { name: nameOf(tag.uri, tag.local), local: tag.local, attributes, children: [], text: '', startTagEnd, end: startTagEnd };
}

export const attribute = (element: XmlElement, name: string): string | null => element.attributes.get(name) ?? null;
export const children = (element: XmlElement, name: string): XmlElement[] => element.children.filter((c) => c.name === name);
/** The only one where the structure allows one, else the first. */
export const child = (element: XmlElement, name: string): XmlElement | null => element.children.find((c) => c.name === name) ?? null;

/** The element and all below it, in document order. */
export function* descend(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const one of element.children) yield* descend(one);
}
