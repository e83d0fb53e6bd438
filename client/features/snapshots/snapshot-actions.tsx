import { navigate } from "wouter/use-browser-location";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { LazyMenu } from "#client/ui/lazy-menu.tsx";
import type { MenuItem } from "#client/ui/lazy-menu.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { LIVE } from "./compare-address-state.ts";
import type { VersionPlace } from "./snapshot-list-state.ts";

interface SnapshotActionsProps {
  entry: SnapshotEntry;
  place: VersionPlace;
  mayChange: boolean;
  onVersions: () => void;
}

/** What a snapshot is kept for: to be compared, and gone on from. */
export function SnapshotActions({ entry, place, onVersions }: SnapshotActionsProps) {
  const { id } = entry.summary;
  const text = snapshotWords.actions;
  const items = (): MenuItem[] => [
    ...(place.previous === undefined
      ? []
      : [
          {
            type: "action" as const,
            label: text.previousOf,
            onSelect: () => navigate(`/compare/${place.previous}/${id}`),
          },
        ]),
    { type: "action", label: text.live, onSelect: () => navigate(`/compare/${id}/${LIVE}`) },
    { type: "action", label: text.compareWith, onSelect: onVersions },
  ];
  return (
    <div className="snapshot-actions" role="group" aria-label={text.label}>
      <LazyMenu icon="compare" label={text.compare} text={text.compare} items={items} />
    </div>
  );
}
