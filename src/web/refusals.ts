/** What a refusal is called, says and asks of the learner, and with which status it is answered. The table is exhaustive: a new code does not compile without its words. */
import type { RefusalCode } from '../core/refusal.ts';

export interface RefusalWords {
  /** HTTP status: 400 for a message that does not hold, 403 for a person who is refused, 404 for a place that is not there. */
  status: 400 | 401 | 403 | 404 | 409 | 412 | 429 | 502 | 503;
  title: string;
  /** What happened, in plain words. */
  text: string;
  /** What to do next. */
  next: string;
  /** `again`: a way to start over is offered. `ask`: only a person can help, so the contact stands out. */
  offer: 'again' | 'ask';
}

const AGAIN = 'Please start again. If it happens twice, tell your administrator the reference below.';
const startOver = (title: string, text: string, next = AGAIN): RefusalWords => ({ status: 400, title, text, next, offer: 'again' });
const person = (title: string, text: string, next: string): RefusalWords => ({ status: 403, title, text, next, offer: 'ask' });
const ASK = 'Your administrator can put this right. Please give them the reference below.';

/** For forged, malformed and misdirected messages alike: a page must not tell an attacker how far the message came. */
const NOT_ACCEPTED = startOver(
  'We could not accept that sign-in',
  'The answer from your organisation’s sign-in could not be verified, so nothing was changed.',
);

export const REFUSALS: Readonly<Record<RefusalCode, RefusalWords>> = {
  'external-id-in-use': person('That name is taken', 'Another account here has the same identifier.', ASK),
  'version-mismatch': {
    status: 412,
    title: 'Changed meanwhile',
    text: 'It has been changed since you read it.',
    next: 'Read it again.',
    offer: 'again',
  },
  'seats-exhausted': person(
    'All places are taken',
    'Your organisation has no place left for another learner.',
    'Your administrator can free one or get more. Please give them the reference below.',
  ),
  'domain-taken': {
    status: 409,
    title: 'That domain is taken',
    text: 'Another organisation has proved that this domain is its own.',
    next: ASK,
    offer: 'ask',
  },
  'mode-conflict': {
    status: 409,
    title: 'Not now',
    text: 'This does not go with how the organisation is provisioned at present.',
    next: ASK,
    offer: 'ask',
  },
  'message-malformed': NOT_ACCEPTED,
  'message-forged': NOT_ACCEPTED,
  'message-misdirected': NOT_ACCEPTED,
  'message-expired': startOver(
    'That sign-in took too long',
    'The answer from your organisation’s sign-in was no longer valid when it arrived.',
    'Please start again. If it keeps happening, check that the clock of your device is right.',
  ),
  'message-replayed': startOver(
    'That sign-in was already used',
    'Each sign-in works once. This happens after going back in the browser or reloading a page.',
    'Please start again.',
  ),
  'login-unknown': startOver(
    'We do not know this sign-in',
    'It was not started in this browser, or the browser has lost track of it. Private windows and blocked cookies can cause this.',
    'Please start again in this window.',
  ),
  'login-expired': startOver('That sign-in has run out', 'It was started too long ago, or was finished already.', 'Please start again.'),
  unsolicited: startOver(
    'Please start from here',
    'Your organisation sent you here by itself, which is not switched on for this connection.',
    'Start the sign-in from this page instead.',
  ),
  'provider-refused': {
    status: 403,
    title: 'Your organisation did not sign you in',
    text: 'Its sign-in was cancelled, or your account has no access to this learning platform.',
    next: 'Try again, or ask your administrator for access and give them the reference below.',
    offer: 'again',
  },
  'provider-unreachable': {
    status: 502,
    title: 'Your organisation’s sign-in does not answer',
    text: 'We could not reach it just now. Nothing is wrong with your account.',
    next: 'Please try again in a few minutes.',
    offer: 'again',
  },
  'subject-missing': person('Your account could not be recognised', 'Your organisation did not send a lasting identifier for your account.', ASK),
  'profile-incomplete': person('Your profile is incomplete', 'Your organisation did not send a usable e-mail address for your account.', ASK),
  'email-not-trusted': person(
    'This e-mail address is already in use here',
    'An account with your e-mail address exists, and we could not confirm that it is yours. To protect it, we did not connect the two.',
    ASK,
  ),
  'email-ambiguous': person('Your account is not clear', 'More than one account here fits your e-mail address.', ASK),
  'email-in-use': person('Your new e-mail address is taken', 'Your e-mail address has changed to one that another account here already uses.', ASK),
  'identity-conflict': person(
    'Your account is connected differently',
    'The account with your e-mail address already belongs to another sign-in of your organisation. This happens when a work account was made anew.',
    ASK,
  ),
  'not-provisioned': person(
    'You have no access yet',
    'You signed in correctly, but no account has been set up for you here.',
    'Ask your administrator to give you access.',
  ),
  'account-locked': person(
    'Your account is locked',
    'Your organisation reports your account as disabled, so you cannot enter for now.',
    'Your administrator can tell you why. Once your account is enabled again, you can sign in as before.',
  ),
  'account-suspended': person(
    'Your access has ended',
    'Your organisation has taken back your access to this learning platform. Your learning records are kept.',
    'If you still need access, ask your administrator.',
  ),
  'account-deleted': person(
    'Your account was removed',
    'The account that belonged to this sign-in no longer exists here.',
    'If you need access again, ask your administrator.',
  ),
  'platform-refused': person(
    'The learning platform did not accept your account',
    'You are signed in, but the learning platform could not connect your account there with you. Nothing was changed in it.',
    ASK,
  ),
  'tenant-unknown': {
    status: 404,
    title: 'This address does not exist',
    text: 'We found no organisation at this address.',
    next: 'Check the address, or start with your e-mail address.',
    offer: 'again',
  },
  'connection-unknown': {
    status: 404,
    title: 'This way to sign in does not exist',
    text: 'The address may be old or mistyped.',
    next: 'Start again to see how you can sign in.',
    offer: 'again',
  },
  'connection-disabled': {
    status: 404,
    title: 'This way to sign in is switched off',
    text: 'Your organisation does not use it at the moment.',
    next: 'Start again to see how you can sign in, or ask your administrator.',
    offer: 'again',
  },
  'connection-unusable': {
    status: 503,
    title: 'This way to sign in is not ready',
    text: 'Its set-up is incomplete or has run out. Nothing is wrong with your account.',
    next: ASK,
    offer: 'ask',
  },
  'hand-off-unusable': {
    status: 503,
    title: 'The learning platform cannot be opened just now',
    text: 'You are signed in and nothing is wrong with your account, but the way from here to the learning platform is not ready.',
    next: 'Please try again in a few minutes. If it stays like this, tell your administrator the reference below.',
    offer: 'again',
  },
  'domain-unknown': {
    status: 404,
    title: 'We do not know this e-mail domain',
    text: 'No sign-in is set up for the domain of this address.',
    next: 'Use the one you have at work, or the sign-in link your organisation gave you.',
    offer: 'again',
  },
  'return-to-refused': startOver(
    'This link leads somewhere we may not send you',
    'The link names an address outside the learning platform.',
    'Sign in without it, or ask whoever gave you the link.',
  ),
  'rate-limited': {
    status: 429,
    title: 'Too many attempts',
    text: 'A lot of sign-ins came from your network in a short time.',
    next: 'Please wait a moment, then try again.',
    offer: 'again',
  },
  'not-signed-in': {
    status: 401,
    title: 'Please sign in',
    text: 'You are not signed in, or your session has ended.',
    next: 'Sign in to go on.',
    offer: 'again',
  },
  'not-found': {
    status: 404,
    title: 'There is nothing here',
    text: 'The page does not exist, or has moved.',
    next: 'Start again from the sign-in page.',
    offer: 'again',
  },
  'request-malformed': startOver('We did not understand that', 'The request was incomplete or not what this page expects.', 'Go back and try again.'),
};
