import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A place for a server's data that can be filled up and given room again. */
export interface SmallDisk {
  readonly dataDir: string;
  /** Leaves no room, for the process that writes there. */
  fill(pid: number): void;
  makeRoom(pid: number): void;
  close(): void;
}

const TMPFS_KB = 16 * 1024;

/** A file system of 16 MB in memory: the real ENOSPC. `undefined` where mounting is not allowed. */
export function openTmpfsDisk(): SmallDisk | undefined {
  const dataDir = mkdtempSync(join(tmpdir(), "holdfast-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${TMPFS_KB}k,mode=0700`, "tmpfs", dataDir], { stdio: "ignore" });
  } catch {
    rmSync(dataDir, { recursive: true });
    return undefined;
  }
  const ballast = join(dataDir, "ballast");
  return {
    dataDir,
    fill() {
      // Ever smaller pieces until not one page is left.
      for (let size = 1024 * 1024, pieces: Buffer[] = []; size >= 1024;) {
        try {
          pieces = [...pieces, Buffer.alloc(size, 1)];
          writeFileSync(ballast, pieces.at(-1) ?? "", { flag: "a" });
        } catch {
          size /= 2;
        }
      }
    },
    makeRoom: () => rmSync(ballast),
    close() {
      execFileSync("umount", ["-l", dataDir], { stdio: "ignore" });
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

const limit = (pid: number, bytes: string): void =>
  void execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]);

/** A limit on how far into a file the process may write (RLIMIT_FSIZE), at its beginning: EFBIG. */
export function openLimitedDisk(): SmallDisk | undefined {
  try {
    execFileSync("prlimit", ["--version"], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  const dataDir = mkdtempSync(join(tmpdir(), "holdfast-disk-"));
  return {
    dataDir,
    // At what files are by now, a log that is shorter than its database would have room for small writes.
    fill: (pid) => limit(pid, "1"),
    makeRoom: (pid) => limit(pid, "unlimited"),
    close: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}
