import type { CompiledQuery } from "kysely";

/** SQL with its values in order: what of a compiled query the store needs. */
export type StoredQuery = Pick<CompiledQuery, "sql" | "parameters">;

/** Stands in a query for a value that is known only when it runs. */
type ValueOf<Values> = <Name extends keyof Values & string>(name: Name) => Values[Name];

/**
 * A query that is compiled once a database and run with other values each time: compiling one costs about ten
 * times what its insert costs SQLite.
 * @param build makes the query, with `value("name")` wherever a value goes; its shape must not depend on them
 */
export function prepareQuery<Db extends object, Values extends Record<string, unknown>>(
  build: (db: Db, value: ValueOf<Values>) => { compile(): CompiledQuery },
): (db: Db, values: Values) => StoredQuery {
  const compiled = new WeakMap<Db, Template>();

  function templateFor(db: Db): Template {
    const { sql, parameters } = build(db, placeholder).compile();
    const template = { sql, parameters };
    compiled.set(db, template);
    return template;
  }

  return (db, values) => {
    const { sql, parameters } = compiled.get(db) ?? templateFor(db);
    const fill = (part: unknown): unknown => (part instanceof Placeholder ? values[part.name] : part);
    return { sql, parameters: parameters.map(fill) };
  };
}

type Template = StoredQuery;

// Kysely keeps what it is given as a parameter as it is, so the type is a promise to fill it in.
const placeholder = (name: string): never => new Placeholder(name) as never;

class Placeholder {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}
