import { join } from "node:path";
import type { AccountId } from "#shared/domain/ids.ts";
import { createUuidV7 } from "#shared/lib/uuid.ts";
import { openAudit } from "./access/audit.ts";
import { RESET_LINK_S, VERIFY_LINK_S } from "./access/auth-options.ts";
import { openAuth } from "./access/auth.ts";
import { openLiveRights } from "./access/live-rights.ts";
import { createPrincipalResolver } from "./access/principal-resolver.ts";
import { createRefusals } from "./access/refusals.ts";
import { readOrCreateSecret } from "./access/secret.ts";
import { openCredentials } from "./accounts/credentials.ts";
import { INVITE_MS, openInvites } from "./accounts/invites.ts";
import { openPasskeys } from "./accounts/passkeys.ts";
import { openAccountProfiles } from "./accounts/profiles.ts";
import { openAccountSessions } from "./accounts/sessions.ts";
import { openAccessTokens } from "./accounts/tokens.ts";
import { openWorkspaces } from "./accounts/workspaces.ts";
import type { PolicyBus } from "./bus/policy-bus.ts";
import type { Config } from "./config/config.ts";
import type { AccountParts } from "./http/account-routes.ts";
import { openGuestMerge } from "./jobs/guest-merge.ts";
import type { Limiter } from "./limits/limiter.ts";
import { createMailQueue } from "./mail/mail-queue.ts";
import { openMailer } from "./mail/open-mailer.ts";
import type { Log } from "./observability/log.ts";
import type { Rooms } from "./rooms/rooms.ts";
import { sleep, systemClock } from "./runs/clock.ts";
import type { Clock } from "./runs/clock.ts";
import type { RunService } from "./runs/run-service.ts";
import type { Database } from "./storage/database.ts";

interface OpenAccountsParts {
  config: Config;
  database: Database;
  bus: PolicyBus;
  rooms: Pick<Rooms, "rehomed" | "editSnapshot">;
  runs: Pick<RunService, "rehomed">;
  limiter: Limiter;
  log: Log;
  /** the system's where absent */
  clock?: Clock;
}

const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

/** Opens everything about who people are and what they may do; finishes merges that a killed process began. */
export async function openAccounts({ config, database, bus, rooms, runs, limiter, log, ...rest }: OpenAccountsParts) {
  const { dataDir, publicUrl } = config;
  const { clock = systemClock } = rest;
  const now = (): number => clock.now();
  const createWorkspaceId = (): string => createUuidV7(now(), randomBytes);
  const mails = createMailQueue(openMailer({ smtp: config.smtp, log }), {
    log,
    wait: (ms, signal) => sleep(clock, ms, signal),
  });
  const audit = openAudit({ database, key: readOrCreateSecret(join(dataDir, "audit-key")), clock, log });
  const onMerged = (guest: AccountId, account: AccountId): void => {
    const actor = { kind: "account", id: account } as const;
    const target = { kind: "account", id: guest } as const;
    void audit.record({ action: "account.merge-guest", outcome: "ok", actor, accountId: account, target });
  };
  const merge = openGuestMerge({ database, bus, rooms, runs, clock, createWorkspaceId, onMerged, log });
  await merge.resume();
  const sessions = openAccountSessions(database, bus);
  const profiles = openAccountProfiles(database);
  const hasOidc = config.oidc !== undefined;
  const credentials = openCredentials(database, bus, hasOidc);
  // Never made of what a request calls its host: whoever asks for a link would decide where it leads.
  const linkTo = (page: string, token: string): URL =>
    new URL(`/${page}#${token}`, publicUrl ?? `http://localhost:${config.port}`);
  const auth = await openAuth({
    database,
    publicUrl,
    oidc: config.oidc,
    secret: readOrCreateSecret(join(dataDir, "session-secret")),
    events: {
      onGuestSignedIn: merge.merge,
      onPasswordReset: async (account) => {
        await credentials.claimByMail(account);
        await sessions.endAll(account);
      },
      onVerificationAsked: ({ email, token }) =>
        mails.send({
          kind: "verify-email",
          to: email,
          link: linkTo("account/verify", token),
          lastsMs: VERIFY_LINK_S * 1000,
        }),
      onResetAsked: ({ email, token }) =>
        mails.send({
          kind: "reset-password",
          to: email,
          link: linkTo("account/reset", token),
          lastsMs: RESET_LINK_S * 1000,
        }),
    },
    warn: (message) => log.warn({ from: "better-auth" }, message),
  });
  const resolver = createPrincipalResolver({
    auth,
    database,
    bus,
    now,
    createWorkspaceId,
    onTokenUsed: ({ accountId, workspaceId, credential }) => {
      if (credential.type !== "token") return;
      const actor = { kind: "token", id: credential.tokenId } as const;
      void audit.record({ action: "token.use", outcome: "ok", actor, accountId, workspaceId });
    },
  });
  const workspaces = openWorkspaces({ database, bus, now });
  const invites = openInvites({
    database,
    bus,
    now,
    emailOf: async (accountId) => (await profiles.of(accountId)).email,
  });

  async function sendInvite(invite: { token: string; by: AccountId; email: string }): Promise<void> {
    const found = await invites.look(invite.token);
    if (found === undefined || found.role === "owner") return;
    const { name } = await profiles.of(invite.by);
    mails.send({
      kind: "invite",
      to: invite.email,
      link: linkTo("join", invite.token),
      lastsMs: INVITE_MS,
      workspace: found.workspaceName,
      inviter: name,
      role: found.role,
    });
  }

  const parts: AccountParts = {
    auth,
    resolver,
    sessions,
    profiles,
    credentials,
    passkeys: openPasskeys(database),
    hasOidc,
    workspaces,
    invites,
    tokens: openAccessTokens({ database, bus, now }),
    limiter,
    trustedProxies: config.trustedProxies,
    audit,
    refusals: createRefusals({ audit, now }),
    database,
    methods: {
      guests: config.guests,
      signUp: config.signUp,
      mail: config.smtp !== undefined,
      ...(config.oidc && { oidc: { name: config.oidc.name } }),
    },
    isInvited: invites.isFor,
    sendInvite,
    now,
  };
  return {
    parts,
    resolver,
    rights: openLiveRights(bus),
    /** Closed before the database. */
    async close(): Promise<void> {
      await merge.close();
      await mails.close();
      await audit.close();
    },
  };
}
