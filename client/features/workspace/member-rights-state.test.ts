import { expect, test } from "vitest";
import { mayRevoke, mayRun, rolesFor, rolesToGive } from "./member-rights-state.ts";

test("the owner gives each role, and changes everybody but themselves", () => {
  expect(rolesToGive("owner")).toEqual(["admin", "member", "guest"]);
  expect(rolesFor("owner", "admin")).toEqual(["admin", "member", "guest"]);
  expect(rolesFor("owner", "owner")).toEqual([]);
});

test("an admin makes no admins, and touches none", () => {
  expect(rolesToGive("admin")).toEqual(["member", "guest"]);
  expect(rolesFor("admin", "guest")).toEqual(["member", "guest"]);
  expect(rolesFor("admin", "admin")).toEqual([]);
  expect(rolesFor("admin", "owner")).toEqual([]);
});

test("an invitation is taken back by who may give its role", () => {
  expect([mayRevoke("owner", "admin"), mayRevoke("owner", "guest")]).toEqual([true, true]);
  expect([mayRevoke("admin", "admin"), mayRevoke("admin", "guest")]).toEqual([false, true]);
  expect([mayRevoke("member", "guest"), mayRevoke("guest", "guest")]).toEqual([false, false]);
});

test.each(["member", "guest"] as const)("a %s changes nobody", (role) => {
  expect(mayRun(role)).toBe(false);
  expect(rolesToGive(role)).toEqual([]);
  expect(rolesFor(role, "guest")).toEqual([]);
});
