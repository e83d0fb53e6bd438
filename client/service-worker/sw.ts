import type { PrecacheEntry } from "workbox-precaching";
import { deliverOnSync } from "./deliver-on-sync.ts";
import { passServerPathsBy } from "./server-paths.ts";
import { takeShares } from "./share-target.ts";
import { serveShell } from "./shell.ts";
import { takeOverWhenAsked } from "./take-over.ts";

declare global {
  interface WorkerGlobalScope {
    /** the files of the build, filled in by the build */
    __WB_MANIFEST: (PrecacheEntry | string)[];
  }
}

// The service worker. Each part adds its listeners here and now: a browser wakes a worker only for those it had then.
takeOverWhenAsked();
passServerPathsBy();
takeShares();
deliverOnSync();
// oxlint-disable-next-line no-underscore-dangle -- the build puts the list of files where it finds this name, which is Workbox's
serveShell(self.__WB_MANIFEST);
