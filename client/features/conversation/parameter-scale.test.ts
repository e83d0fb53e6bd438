import { expect, test } from "vitest";
import { PARAMETER_BOUNDS } from "#shared/domain/parameters.ts";
import { scaleOf, typedValue } from "./parameter-scale.ts";

test("a narrow range is even, a wide one goes by doublings and still reaches both ends", () => {
  const temperature = scaleOf(PARAMETER_BOUNDS.temperature);
  expect([temperature.min, temperature.max, temperature.toValue(0.7)]).toEqual([0, 2, 0.7]);
  const tokens = scaleOf(PARAMETER_BOUNDS.maxOutputTokens);
  expect(tokens.toValue(tokens.min)).toBe(1);
  expect(tokens.toValue(tokens.max)).toBe(1_000_000);
  expect(tokens.toValue(tokens.toPlace(2048))).toBe(2048);
});

test("typed numbers are kept within bounds; nothing typed means the default", () => {
  expect(typedValue("3", PARAMETER_BOUNDS.temperature)).toBe(2);
  expect(typedValue("100.4", PARAMETER_BOUNDS.maxOutputTokens)).toBe(100);
  expect(typedValue(" ", PARAMETER_BOUNDS.topP)).toBeUndefined();
  expect(typedValue("x", PARAMETER_BOUNDS.topP)).toBeUndefined();
});
