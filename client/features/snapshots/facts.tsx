/** Names and what stands for each. */
export function Facts({ lines }: { lines: readonly (readonly [string, string])[] }) {
  return (
    <dl className="snapshot-facts">
      {lines.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd dir="auto">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
