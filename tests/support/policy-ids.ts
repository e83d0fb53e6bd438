import { newId } from "./attacked-server.ts";
import type { Caller, CastChat, Person, PolicyCast } from "./policy-cast.ts";
import type { IdKind, Ids } from "./policy-requests.ts";

/** Where somebody acts: in the workspace that is theirs alone, or in the team. */
export type Place = "home" | "team";

/** Whose an id is that is not the caller's, or not of where they act. */
const OWNERS = ["victim", "victim's team", "teammate", "own, elsewhere", "over an admin", "never was"] as const;
type Owner = (typeof OWNERS)[number];

/** Ids to ask with: all valid for the caller, or with some places (`foreign`) that name somebody else's. */
export interface Variation {
  label: string;
  ids: Ids;
  foreign: readonly string[];
}

/** What is somebody's, by what it can be named as. */
type Belongings = Partial<Record<IdKind, string | undefined>>;

/** Every way to ask a recipe: with valid ids, and with each foreign id alone, among valid ones, and in all places. */
export function variationsOf(
  cast: PolicyCast,
  kinds: Readonly<Record<string, IdKind>>,
  caller: Caller,
  place: Place | undefined,
): Variation[] {
  const places = Object.entries(kinds);
  const named = (ids: (kind: IdKind) => string | undefined): Ids =>
    Object.fromEntries(places.map(([name, kind]) => [name, ids(kind)]));
  /** made anew each time: some are of what is to be made */
  const valid = (): Ids => {
    const own = ownIds(cast, caller, place ?? "home");
    return named((kind) => (kind === "continued-run" ? undefined : (own[kind] ?? unknownId(kind))));
  };
  const variations: Variation[] = [{ label: "valid", ids: valid(), foreign: [] }];
  // Where they are nobody, ids are not even looked at.
  if (place === undefined) return variations;
  for (const owner of OWNERS) {
    const theirs = foreignIds(cast, owner, caller, place);
    const foreign = places.filter(([, kind]) => theirs(kind) !== undefined).map(([name]) => name);
    for (const some of subsetsOf(foreign)) {
      const ids = { ...valid(), ...Object.fromEntries(some.map((name) => [name, theirs(kinds[name] as IdKind)])) };
      variations.push({ label: `${some.join("+")} of ${owner}`, ids, foreign: some });
    }
  }
  return variations;
}

/** Each alone, all together, and all but one. */
function subsetsOf<T>(all: readonly T[]): T[][] {
  const single = all.map((one) => [one]);
  const whole = all.length > 1 ? [[...all]] : [];
  const rest = all.length > 2 ? all.map((_, left) => all.filter((__, at) => at !== left)) : [];
  return [...single, ...whole, ...rest];
}

function ownIds(cast: PolicyCast, { person }: Caller, place: Place): Belongings {
  return {
    ...(person && belongingsOf(person, place)),
    workspace: cast.team,
    member: cast.pawn.me.accountId,
    invite: cast.invite.id,
    "invite-token": cast.houseInvite.token,
    "shown-invite-token": cast.houseInvite.token,
    "new-snapshot": newId(),
    "new-conversation": newId(),
    "new-run": newId(),
    "new-answer": newId(),
    "new-token": newId(),
    "new-workspace": newId(),
    "new-invite": newId(),
  };
}

function foreignIds(
  cast: PolicyCast,
  owner: Owner,
  { name, person }: Caller,
  place: Place,
): (kind: IdKind) => string | undefined {
  const { people, victimsTeam, victimsInvite, victimsMail, adminsInvite } = cast;
  if (owner === "never was") return (kind) => (isMade(kind) ? undefined : unknownId(kind));
  const { victim } = people;
  const theirs: Record<Exclude<Owner, "never was">, Belongings> = {
    victim: {
      ...belongingsOf(victim, "home"),
      workspace: victim.me.workspaceId,
      "new-workspace": victim.me.workspaceId,
      member: victim.me.accountId,
    },
    "victim's team": {
      ...chatIds(victim.inTeam),
      workspace: victimsTeam,
      "new-workspace": victimsTeam,
      invite: victimsInvite.id,
      "new-invite": victimsInvite.id,
      "invite-token": victimsMail.token,
    },
    teammate: belongingsOf(name === "owner" ? people.admin : people.owner, "team"),
    "own, elsewhere": chatIds(place === "home" ? person?.inTeam : person?.home),
    // What makes or unmakes an admin is the owner's.
    "over an admin": name === "owner" ? {} : { invite: adminsInvite.id, member: people.admin.me.accountId },
  };
  return (kind) => theirs[owner][kind];
}

const belongingsOf = (person: Person, place: Place): Belongings => ({
  ...chatIds(place === "home" ? person.home : person.inTeam),
  session: person.sessionId,
  token: person.tokenId,
  passkey: person.passkeyId,
  "new-token": person.tokenId,
});

function chatIds(chat: CastChat | undefined): Belongings {
  if (chat === undefined) return {};
  const { conversationId, secondId, snapshotId, promptId, answerId, runId } = chat;
  return {
    conversation: conversationId,
    "second-conversation": secondId,
    "claimed-conversation": conversationId,
    "second-claimed-conversation": secondId,
    snapshot: snapshotId,
    "new-snapshot": snapshotId,
    "new-conversation": conversationId,
    prompt: promptId,
    run: runId,
    "stopped-run": runId,
    "continued-run": runId,
    "new-run": runId,
    "new-answer": answerId,
  };
}

/** Whether who asks with an id that nothing has makes something of that id. */
const isMade = (kind: IdKind): boolean =>
  kind.startsWith("new-") || kind.endsWith("claimed-conversation") || kind === "stopped-run";

/** An id that nothing ever had. */
const unknownId = (kind: IdKind): string => (kind.endsWith("invite-token") ? newId().replaceAll("-", "") : newId());
