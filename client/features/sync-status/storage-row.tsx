import type { ReactNode } from "react";

interface StorageRowProps {
  name: string;
  value: string;
  hint?: string | undefined;
  children?: ReactNode;
}

/** One fact: its name, how it stands, what that means, and what can be done about it. */
export function StorageRow({ name, value, hint, children }: StorageRowProps) {
  return (
    <div className="storage-row">
      <dt>{name}</dt>
      <dd>
        <span className="storage-value">{value}</span>
        {hint !== undefined && <span className="storage-hint">{hint}</span>}
        {children}
      </dd>
    </div>
  );
}
