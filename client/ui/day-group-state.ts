/** Under which heading of a list something stands by its time. */
export type DayGroup = "today" | "yesterday" | "week" | "older";

/** Midnight of the day `days` before that of `now`, by the device's time zone. */
function dayStart(now: number, days: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() - days).getTime();
}

/**
 * Tells the groups of times apart, by calendar days of this device.
 * @param now ms since 1970
 */
export function dayGroups(now: number): (at: number) => DayGroup {
  const [today, yesterday, week] = [dayStart(now, 0), dayStart(now, 1), dayStart(now, 7)];
  return (at) => {
    if (at >= today) return "today";
    if (at >= yesterday) return "yesterday";
    return at >= week ? "week" : "older";
  };
}

/** Entries by the name of their group, in the order of the names, without empty groups; entries keep their order. */
export function inGroups<Name extends string, Entry>(
  entries: readonly Entry[],
  order: readonly Name[],
  nameOf: (entry: Entry) => Name,
): { name: Name; entries: Entry[] }[] {
  const groups = new Map<Name, Entry[]>();
  for (const entry of entries) {
    const name = nameOf(entry);
    const group = groups.get(name);
    if (group) group.push(entry);
    else groups.set(name, [entry]);
  }
  return order.flatMap((name) => {
    const group = groups.get(name);
    return group ? [{ name, entries: group }] : [];
  });
}
