/** What is checked before any XML library sees a message: it is one string, of bounded size, strictly encoded, and plain elements and text only. */
import { Refusal } from '../../core/refusal.ts';

/** Decoded bytes. Real responses with hundreds of encrypted groups reach about 80 kB. */
export const MAX_MESSAGE_BYTES = 256 * 1024;
/** Base64 with line breaks of both kinds every 64 characters at the most. */
const MAX_ENCODED = Math.ceil((MAX_MESSAGE_BYTES * 4) / 3) * 1.05;

const DECLARATION = /^<\?xml[ \t\n]+version=(["'])1\.0\1([ \t\n]+encoding=(["'])utf-8\3)?([ \t\n]+standalone=(["'])(yes|no)\5)?[ \t\n]*\?>/i;

/** The XML text without its declaration, line ends as XML reads them. */
export function openEnvelope(parameter: unknown): string {
  if (typeof parameter !== 'string' || parameter === '') throw malformed('parameter', 'one SAMLResponse parameter is expected');
  if (parameter.length > MAX_ENCODED) throw malformed('too-large', `${parameter.length} characters`);
  return filterXml(decodeUtf8(decodeBase64(parameter)));
}

/** Plain elements and text: no document type, comment, CDATA section or processing instruction. Also for plaintext after decryption. */
export function filterXml(text: string): string {
  const xml = text.replace(/\r\n?/g, '\n').replace(DECLARATION, '').trimStart();
  if (/<!DOCTYPE/i.test(xml)) throw malformed('doctype');
  if (xml.includes('<!')) throw malformed('markup-declaration');
  if (xml.includes('<?')) throw malformed('processing-instruction');
  return xml;
}

function decodeBase64(parameter: string): Buffer {
  const encoded = parameter.replace(/\r?\n/g, '');
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) throw malformed('base64');
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length > MAX_MESSAGE_BYTES) throw malformed('too-large', `${bytes.length} bytes`);
  return bytes;
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('encoding', 'not UTF-8');
  }
}

const malformed = (check: string, detail = '') => new Refusal('message-malformed', `saml/${check}`, detail);
