/** For whom the assertion is: every restriction names us (saml-core 2.5.1.4; several restrictions are joined by "and"). */
import { Refusal } from '../../core/refusal.ts';
import type { Expectation } from './expectation.ts';
import { printable } from './xml-text.ts';
import { child, children, type XmlElement } from './xml-tree.ts';

export function checkAudience(assertion: XmlElement, { entityId }: Expectation): void {
  const restrictions = children(child(assertion, 'saml:Conditions')!, 'saml:AudienceRestriction');
  if (restrictions.length === 0) throw new Refusal('message-misdirected', 'saml/no-audience');
  for (const restriction of restrictions) {
    const audiences = children(restriction, 'saml:Audience').map((audience) => audience.text);
    if (!audiences.includes(entityId)) throw new Refusal('message-misdirected', 'saml/audience', printable(audiences.join(' ')));
  }
}
