import { describe, expect, it } from '@jest/globals';
import { html, linkable, render } from '../../src/web/html.ts';
import { learningPage } from '../../src/web/learning.ts';
import { REFUSALS } from '../../src/web/refusals.ts';
import { chooserPage } from '../../src/web/sign-in.ts';
import { userState } from '../http/world.ts';

describe('the html template', () => {
  it('escapes whatever did not come out of a template', () => {
    expect(render(html`<p title="${`"'<>&\``}">${'<b>'}</p>`)).toBe('<p title="&quot;&#39;&lt;&gt;&amp;&#96;">&lt;b&gt;</p>');
  });

  it('lets made markup through, joins lists and leaves nothing for nothing', () => {
    expect(render(html`<ul>${['a', '<', 3].map((x) => html`<li>${x}</li>`)}${null}${undefined}${false}</ul>`)).toBe(
      '<ul><li>a</li><li>&lt;</li><li>3</li></ul>',
    );
  });

  it('is not fooled by an object that looks like markup', () => {
    const forged = JSON.parse('{"markup":"<script>","length":0}');
    expect(() => render(html`${forged}`)).toThrow();
  });
});

describe('a link', () => {
  it.each(['javascript:alert(1)', 'data:text/html,x', 'https://user:pw@host/', '//host', '/path', 'nonsense', ''])('never leads to %s', (address) => {
    expect(linkable(address)).toBeNull();
  });

  it('leads to web addresses', () => {
    expect(linkable('https://courses.example/a?b=c')).toBe('https://courses.example/a?b=c');
  });
});

describe('"my learning"', () => {
  const course = (slug: string, url: string | null = `https://courses.example/${slug}`) => ({ slug, title: `Course ${slug}`, description: '', url });
  const page = (learning: Parameters<typeof learningPage>[0]['learning']) =>
    learningPage({
      tenant: { id: 'acme', name: 'Acme', contact: 'help@acme.example', handOffs: [] },
      user: userState('ada').user,
      learning,
      csrf: 'token',
    });
  const sales = { target: 'bundle:sales' as const, title: 'Sales' };
  const all = { target: 'collection:all' as const, title: 'For all' };

  it('shows each course once, under what opens it, and names the others', () => {
    const text = page({
      offers: [sales, all],
      courses: [
        { course: course('a'), via: [sales, all] },
        { course: course('b'), via: [all] },
      ],
    });
    expect(text.match(/Course a</g)).toHaveLength(1);
    expect(text.indexOf('Course a<')).toBeLessThan(text.indexOf('<h2>For all'));
    expect(text.indexOf('Course b<')).toBeGreaterThan(text.indexOf('<h2>For all'));
    expect(text).toContain('Also in For all');
    expect(text).toContain('You have 2 courses.');
  });

  it('shows an enrolment without courses, and a course without an address', () => {
    const text = page({ offers: [sales, all], courses: [{ course: course('a', null), via: [all] }] });
    expect(text).toContain('No courses in it yet');
    expect(text).toContain('Not open yet');
    expect(text).not.toContain('href="https://courses.example');
  });

  it('says what to do where there is nothing, and whom to ask', () => {
    const text = page({ offers: [], courses: [] });
    expect(text).toContain('Nothing here yet');
    expect(text).toContain('href="mailto:help@acme.example"');
  });

  it('never links to an address that runs', () => {
    expect(page({ offers: [sales], courses: [{ course: course('a', 'javascript:alert(1)'), via: [sales] }] })).not.toContain('javascript:');
  });
});

describe('words', () => {
  it('tell every refused learner what happened and what to do next, in whole sentences', () => {
    for (const { title, text, next } of Object.values(REFUSALS)) {
      expect(title).toMatch(/^[A-Z].*[^.]$/);
      for (const sentence of [text, next]) expect(sentence).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('say so where no way to sign in is set up', () => {
    expect(chooserPage({ tenantName: 'Acme', ways: [], note: null, reference: null })).toContain('No way to sign in is set up');
  });
});
