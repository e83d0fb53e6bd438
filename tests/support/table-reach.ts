import { parseSync } from "vite";

// Finds in the text of a source file how it reaches tables of the database: by `systemTables`, by queries of Kysely, by
// SQL it writes itself, and by what would get around the types of either.

/** What a file reaches. What it says of tables is their names; what gets around the types is in words. */
export interface Reach {
  /** asked of `systemTables` */
  asked: Set<string>;
  /** whether `systemTables` is asked at all, also without names */
  asks: boolean;
  /** in queries of Kysely */
  queried: Set<string>;
  /** in SQL text */
  written: Set<string>;
  around: Set<string>;
}

type Node = { type: string } & Record<string, unknown>;

/** What can be had of Kysely without getting a handle by it. */
const HARMLESS = new Set([
  "sql",
  "ColumnType",
  "CompiledQuery",
  "Generated",
  "QueryExecutorProvider",
  "QueryResult",
  "RawBuilder",
  "Selectable",
]);
const NAMING = new Set([
  "selectFrom",
  "insertInto",
  "replaceInto",
  "updateTable",
  "deleteFrom",
  "mergeInto",
  "from",
  "using",
  "innerJoin",
  "leftJoin",
  "rightJoin",
  "fullJoin",
  "crossJoin",
  "innerJoinLateral",
  "leftJoinLateral",
]);
/** Properties that widen a handle, make names of tables from values, or take a bound back. */
const WIDENING = new Set(["withTables", "$extendTables", "dynamic", "clearWhere"]);
const TEXT_OF_VALUES = new Set(["table", "id", "ref", "raw"]);
const RUNS_TEXT = new Set(["prepare", "exec", "raw"]);
const STATEMENT =
  /^\s*(select|insert|replace|update|delete|merge|with|create|alter|drop|explain)\b[\s\S]*\b(from|into|set|table|index|trigger|view|values|where|as)\b/i;
const BEFORE_A_TABLE = String.raw`\b(?:from|join|into|update|table|references)`;
/** Stands in a text for a value. */
const VALUE = "\u0000";

/** @param tables the names that are looked for */
export function readReach(file: string, text: string, tables: readonly string[]): Reach {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} cannot be read: ${errors[0]?.message}`);
  const reach: Reach = { asked: new Set(), asks: false, queried: new Set(), written: new Set(), around: new Set() };
  const called = new Set<Node>();
  visit(program as unknown as Node, (node, parent) => {
    readImport(node, reach);
    if (node.type === "CallExpression") readCall(node, tables, reach, called);
    if (node.type === "MemberExpression") readMember(node, reach);
    if (isNamed(node, "systemTables") && !called.has(node) && parent?.type !== "ImportSpecifier")
      reach.around.add("systemTables, which is not called here");
    readText(node, parent, tables, reach);
  });
  return reach;
}

function visit(node: Node, look: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  look(node, parent);
  for (const value of Object.values(node))
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) if (isNode(one)) visit(one, look, node);
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
const isNamed = (node: unknown, name: string): boolean =>
  isNode(node) && node.type === "Identifier" && node["name"] === name;
const nameOf = (node: unknown): string => (isNode(node) ? String(node["name"] ?? node["value"]) : "");
const listOf = (value: unknown): Node[] => (Array.isArray(value) ? value.filter(isNode) : []);

function readImport(node: Node, reach: Reach): void {
  const from = sourceOf(node);
  if (from === undefined) return;
  const isKysely = from === "kysely" || from.startsWith("kysely/");
  if (from === "better-sqlite3") reach.around.add(from);
  if (!isKysely && !from.endsWith("/system-tables.ts")) return;
  if (node.type !== "ImportDeclaration") return void reach.around.add(`${from} as a whole`);
  for (const one of listOf(node["specifiers"])) {
    const name = one.type === "ImportSpecifier" ? nameOf(one["imported"]) : "*";
    // Under another name it would not be found where it is used.
    const isUsual = isKysely ? HARMLESS.has(name) : name === "systemTables" && nameOf(one["local"]) === name;
    if (!isUsual) reach.around.add(`${name} of ${from}`);
  }
}

/** From where something is imported, now or later, or exported again. */
function sourceOf({ source }: Node): string | undefined {
  return isNode(source) && source.type === "Literal" ? String(source["value"]) : undefined;
}

function readCall(node: Node, tables: readonly string[], reach: Reach, called: Set<Node>): void {
  const callee = node["callee"] as Node;
  if (isNamed(callee, "systemTables")) {
    called.add(callee);
    reach.asks = true;
    const names = isNode(node["typeArguments"]) ? listOf(node["typeArguments"]["params"]) : [];
    for (const name of names) readAsked(name, reach);
  }
  if (callee.type !== "MemberExpression" || !NAMING.has(nameOf(callee["property"]))) return;
  const [first] = listOf(node["arguments"]);
  for (const one of first?.type === "ArrayExpression" ? listOf(first["elements"]) : [first]) {
    const name = firstWord(one);
    if (tables.includes(name)) reach.queried.add(name);
  }
}

/** The table in what Kysely is given, which may go on with an alias. */
const firstWord = (node: Node | undefined): string => (node && textOf(node))?.trim().split(/[\s.]/u)[0] ?? "";

function readAsked(type: Node, reach: Reach): void {
  const literal = type["literal"];
  if (type.type === "TSUnionType") for (const one of listOf(type["types"])) readAsked(one, reach);
  else if (type.type === "TSLiteralType" && isNode(literal)) reach.asked.add(String(literal["value"]));
  else reach.around.add("systemTables, for names that are not written in the call");
}

function readMember({ object, property }: Node, reach: Reach): void {
  const name = nameOf(property);
  if (WIDENING.has(name)) reach.around.add(name);
  if (isNamed(object, "sql") && TEXT_OF_VALUES.has(name)) reach.around.add(`sql.${name}`);
}

function readText(node: Node, parent: Node | undefined, tables: readonly string[], reach: Reach): void {
  // The whole is read where it begins.
  if (parent?.type === "BinaryExpression" && parent["operator"] === "+") return;
  const text = textOf(node);
  if (text === undefined) return;
  const isSql = STATEMENT.test(text) || isRun(node, parent);
  const place = isSql ? "" : String.raw`${BEFORE_A_TABLE}\s+`;
  for (const table of tables)
    if (new RegExp(String.raw`${place}(?<![\w$])["'\x60[]?(?:main\.)?${table}(?![\w$])`, "iu").test(text))
      reach.written.add(table);
  if (isSql && new RegExp(String.raw`${BEFORE_A_TABLE}(?:\s+["'\x60[]?${VALUE}|\s*$)`, "iu").test(text))
    reach.around.add("SQL whose table is a value");
}

/** Whether a text is handed to what runs SQL. */
function isRun(node: Node, parent: Node | undefined): boolean {
  if (parent?.type === "TaggedTemplateExpression") return true;
  const callee = parent?.type === "CallExpression" && parent["callee"] !== node ? parent["callee"] : undefined;
  return isNode(callee) && callee.type === "MemberExpression" && RUNS_TEXT.has(nameOf(callee["property"]));
}

/** The text of a literal, of a template, or of several that are added up. */
function textOf(node: Node): string | undefined {
  if (node.type === "Literal") return typeof node["value"] === "string" ? node["value"] : undefined;
  if (node.type === "TemplateLiteral")
    return listOf(node["quasis"])
      .map(({ value }) => String((value as { cooked: unknown }).cooked))
      .join(VALUE);
  if (node.type !== "BinaryExpression" || node["operator"] !== "+") return undefined;
  const sides = [node["left"], node["right"]].map((side) => (isNode(side) ? textOf(side) : undefined));
  return sides.every((side) => side === undefined) ? undefined : sides.map((side) => side ?? VALUE).join("");
}
