import type { ReactNode } from "react";
import { lazyPart } from "#client/ui/lazy-part.tsx";
import { Blank } from "./blank.tsx";

const pages = lazyPart(async () => (await import("./snapshot-routes.tsx")).SnapshotRoutes);

interface SnapshotPagesProps {
  path: string;
  leading: ReactNode;
  isGuest: boolean;
  onNewChat: () => void;
}

/** The pages of snapshots. Loaded when a person comes there. */
export function SnapshotPages(props: SnapshotPagesProps) {
  return <pages.Part {...props} onClose={props.onNewChat} meanwhile={<Blank leading={props.leading} />} />;
}
