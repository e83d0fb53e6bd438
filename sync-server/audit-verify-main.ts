import { resolve } from "node:path";
import { verifyAudit, wordsOf } from "./access/audit-verify.ts";
import { VARIABLES } from "./config/env.ts";

// Says whether the audit log of DATA_DIR is as the server wrote it; ends with 0 if so, else with 1.

const dataDir = resolve(process.env.DATA_DIR?.trim() || VARIABLES.DATA_DIR.standard);
try {
  const verdict = verifyAudit(dataDir);
  process.stdout.write(`${wordsOf(verdict)}\n`);
  process.exitCode = verdict.status === "whole" ? 0 : 1;
} catch (error) {
  process.stderr.write(
    `Cannot verify the audit log of ${dataDir}: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}
