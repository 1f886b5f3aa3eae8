/** Who signs in: people of one company in any number of groups, and a tenant file whose rules look at some of these. */

export interface Person {
  id: string;
  email: string;
  groups: string[];
}

const groupName = (i: number): string => `Department ${String(i).padStart(4, '0')} Members`;

export const person = (id: string, groups: number): Person => ({
  id,
  email: `${id}@acme.example`,
  groups: Array.from({ length: groups }, (_, i) => groupName(i + 1)),
});

/** Every fourth rule is about a group that people with a few groups are in; the others are about groups that nobody is in. */
export function tenantFile({ rules, connections }: { rules: number; connections: string }): string {
  const offers = 20;
  const offer = (i: number) => `    - { slug: offer-${i}, title: Offer ${i}, courses: [course-${i}] }`;
  const course = (i: number) => `    - { slug: course-${i}, title: Course ${i}, description: About ${i}. }`;
  const all = <T>(n: number, make: (i: number) => T) => Array.from({ length: n }, (_, i) => make(i));
  const rule = (i: number) => {
    const group = i % 4 === 0 ? groupName(((i / 4) % 5) + 1) : `Elsewhere ${i}`;
    return `  - { id: rule-${i}, when: { group: ${group} }, enrol: [bundle:offer-${i % offers}] }`;
  };
  return [
    'name: Acme',
    'domains: [acme.example]',
    'connections:',
    connections,
    'catalogue:',
    '  courses:',
    ...all(offers, course),
    '  bundles:',
    ...all(offers, offer),
    'rules:',
    ...all(rules, rule),
    '',
  ].join('\n');
}
