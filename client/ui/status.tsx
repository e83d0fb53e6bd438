import type { ComponentProps } from "react";

/** Words that are read out when they change. A `span`: an `output` element is the result of a form. */
export function Status(props: ComponentProps<"span">) {
  // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- the one place: no tag means this outside of a form
  return <span role="status" {...props} />;
}
