import type * as Bulk from "./bulk.ts";
import type { BodyPuller } from "./pull-bodies.ts";

type Code = typeof Bulk.bulk;

/** Bulk sync whose code is loaded when it is first needed; without it, a request failed. */
export function openLateBulk(load: () => Promise<typeof Bulk>): {
  push: Code["pushOutbox"];
  puller: Code["createBodyPuller"];
} {
  const code = (): Promise<Code | undefined> =>
    load().then(
      ({ bulk }) => bulk,
      () => undefined,
    );
  return {
    push: async (...of) => (await code())?.pushOutbox(...of) ?? { type: "failed", reached: true },
    puller(...of) {
      let puller: BodyPuller | undefined;
      return {
        pull: async (...round) =>
          (await (puller ??= (await code())?.createBodyPuller(...of))?.pull(...round)) ?? "failed",
      };
    },
  };
}
