import { compareWords } from "#client/ui/words/compare-words.ts";
import { formatCost, formatNumber } from "#client/ui/words/format.ts";
import type { Fact, FactName, FactRow } from "./fact-rows-state.ts";

interface FactTableProps {
  /** what the table is called where no heading says it */
  caption: string;
  /** what its first column holds */
  of: string;
  /** what is said of a value that is absent */
  absent: string;
  rows: readonly FactRow[];
  left: string;
  right: string;
}

/** Values of both sides, with a word for how they differ. */
export function FactTable({ caption, of, absent, rows, left, right }: FactTableProps) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
    <figure className="compare-scroll" aria-label={caption} tabIndex={0}>
      <table className="compare-table">
        <thead>
          <tr>
            <th scope="col">{of}</th>
            <th scope="col">{left}</th>
            <th scope="col">{right}</th>
            <th scope="col">{compareWords.difference}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, state, ...sides }) => (
            <tr key={name} data-state={state}>
              <th scope="row">{compareWords.facts[name]}</th>
              <td dir="auto">{factWords(name, sides.left) ?? absent}</td>
              <td dir="auto">{factWords(name, sides.right) ?? absent}</td>
              <td>{compareWords.state[state]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function factWords(name: FactName, fact: Fact): string | undefined {
  if (typeof fact === "number") return name === "cost" ? formatCost(fact) : formatNumber(fact);
  if (fact === undefined) return undefined;
  if (name === "status") return compareWords.statuses[fact] ?? fact;
  return name === "finish" ? (compareWords.finishes[fact] ?? fact) : fact;
}
