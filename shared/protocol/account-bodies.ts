import * as z from "zod/mini";
import { PASSWORD_LENGTH } from "#shared/domain/password.ts";

// Bodies of signing in and of what belongs to an account. Requests are strict, answers are open.

/** An e-mail address as it is compared: without spaces around it, in lower case. */
export const emailSchema = z.string().check(z.trim(), z.toLowerCase(), z.maxLength(254), z.regex(z.regexes.email));
/** Any text: whether it is good enough is judged where a password is set, and said as `password_weak`. */
const passwordSchema = z.string().check(z.maxLength(10 * PASSWORD_LENGTH.max));
export const nameSchema = z.string().check(z.trim(), z.maxLength(80), z.regex(/^[^\p{Cc}]*$/u));
/** A secret out of a link. */
const linkTokenSchema = z.string().check(z.minLength(16), z.maxLength(2000), z.regex(/^[\w.-]+$/));

/** Body of `POST /api/auth/sign-up`. */
export const signUpSchema = z.strictObject({
  email: emailSchema,
  password: passwordSchema,
  name: z.optional(nameSchema),
  /** of an invitation, where new accounts need one */
  invite: z.optional(linkTokenSchema),
  /** this is a shared device: the session ends with the browser */
  sharedDevice: z.optional(z.boolean()),
});

/** Body of `POST /api/auth/sign-in`. */
export const signInSchema = z.strictObject({
  email: emailSchema,
  password: passwordSchema,
  sharedDevice: z.optional(z.boolean()),
});

/** Body of `POST /api/auth/password`. */
export const changePasswordSchema = z.strictObject({ current: passwordSchema, next: passwordSchema });

/** Body of `POST /api/auth/password/forgot`. */
export const forgotPasswordSchema = z.strictObject({ email: emailSchema });

/** Body of `POST /api/auth/password/reset`. */
export const resetPasswordSchema = z.strictObject({ token: linkTokenSchema, password: passwordSchema });

/** Body of `POST /api/auth/email/verify`. */
export const verifyEmailSchema = z.strictObject({ token: linkTokenSchema });

/** Answer of `GET /api/auth/methods`: how people get in here. */
export const methodsSchema = z.object({
  /** without an account */
  guests: z.boolean(),
  /** whether anybody may make an account; otherwise an invitation is needed */
  signUp: z.boolean(),
  /** whether links are sent by mail; otherwise whoever runs the server finds them in its log */
  mail: z.boolean(),
  oidc: z.optional(z.object({ name: z.string() })),
});
export type Methods = z.infer<typeof methodsSchema>;

/** Answer of `GET /api/sessions`. Times are ms since 1970. */
export const sessionsSchema = z.object({
  sessions: z.array(
    z.object({
      id: z.string(),
      /** whether it is the one that asks */
      current: z.boolean(),
      createdAt: z.number(),
      /** to the day */
      usedAt: z.number(),
      /** what the browser said it is */
      userAgent: z.optional(z.string()),
    }),
  ),
});
export type Sessions = z.infer<typeof sessionsSchema>;
