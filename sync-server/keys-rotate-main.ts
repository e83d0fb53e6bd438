import { resolve } from "node:path";
import { VARIABLES } from "./config/env.ts";
import { rotateKeys } from "./signing/rotate-keys.ts";

// Makes a new signing key for the server of DATA_DIR and retires the old one; ends with 0 if so, else with 1.

const dataDir = resolve(process.env.DATA_DIR?.trim() || VARIABLES.DATA_DIR.standard);
process.umask(0o077);
try {
  const { made, retired } = await rotateKeys(dataDir, Date.now());
  const before = retired.length > 0 ? ` Retired, and published for ever: ${retired.join(", ")}.` : "";
  process.stdout.write(`New signing key: ${made}.${before}\nA running server signs with it within 10 seconds.\n`);
} catch (error) {
  process.stderr.write(
    `Cannot rotate the signing keys of ${dataDir}: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}
