import SqliteDatabase from "better-sqlite3";

interface Runs {
  run(this: unknown, ...parameters: unknown[]): unknown;
}

/**
 * A seam below the store: from now on every statement that writes is counted, and before the one of that number
 * (from 1) `act` runs. Answers how to take the seam out, and how many statements were counted.
 */
export function interruptAt(number: number, act: () => void): { remove: () => void; counted: () => number } {
  const memory = new SqliteDatabase(":memory:");
  const prototype = Object.getPrototypeOf(memory.prepare("select 1")) as Runs;
  memory.close();
  const { run } = prototype;
  let counted = 0;
  prototype.run = function (...parameters) {
    counted += 1;
    if (counted === number) act();
    return run.apply(this, parameters);
  };
  return {
    remove: () => {
      prototype.run = run;
    },
    counted: () => counted,
  };
}
