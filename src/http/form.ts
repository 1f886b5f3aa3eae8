/** Reads posted forms (application/x-www-form-urlencoded). */
import express, { type Request, type Response } from 'express';
import { Refusal, type RefusalCode } from '../core/refusal.ts';

/** A field that was sent once is its text, one that was sent several times the list of them. */
export type Form = ReadonlyMap<string, unknown>;
export type ReadForm = (req: Request, res: Response) => Promise<Form>;

/**
 * A reader for one kind of form. `limit`: bytes of the body as sent. Rejects with `Refusal` of `code` and `check` on anything else
 * than a readable form; what the parser says stays out of it, since it may quote the body.
 */
export function formReader({ limit, code, check }: { limit: number; code: RefusalCode; check: string }): ReadForm {
  const parse = express.urlencoded({ extended: false, limit, parameterLimit: 20, inflate: false });
  return (req, res) =>
    new Promise((resolve, reject) =>
      parse(req, res, (error?: unknown) => {
        if (error) reject(new Refusal(code, check, String((error as { type?: unknown }).type ?? 'unreadable')));
        else if (req.body === undefined) reject(new Refusal(code, check, 'not a form'));
        else resolve(new Map(Object.entries(req.body as object)));
      }),
    );
}
