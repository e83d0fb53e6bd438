/** Whether the view keeps to the end, and where it was last seen. All lengths are CSS pixels. */
export interface Follow {
  following: boolean;
  top: number;
  height: number;
}

export interface ScrollFacts {
  top: number;
  /** height of the content */
  height: number;
  /** height of the window onto it */
  view: number;
}

/** Nearer to the end than this counts as being at it. */
const AT_END_PX = 32;

export const START_FOLLOWING: Follow = { following: true, top: 0, height: 0 };

/**
 * The next state after a scroll event. Moving up means reading; coming back to the end means following again.
 * A smaller top after the content shrank is the browser's doing, not the reader's.
 */
export function nextFollow(state: Follow, { top, height, view }: ScrollFacts): Follow {
  const atEnd = height - top - view <= AT_END_PX;
  const movedUp = top < state.top - 1 && height >= state.height;
  return { following: atEnd || (state.following && !movedUp), top, height };
}
