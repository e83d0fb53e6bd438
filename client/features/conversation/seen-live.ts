import { createContext, useContext, useState } from "react";

/** Tells what was there when a chat was opened from what came while it was shown. */
export interface Opening {
  isOver(): boolean;
  end(): void;
}

export function createOpening(): Opening {
  let over = false;
  return {
    isOver: () => over,
    end: () => {
      over = true;
    },
  };
}

export const OpeningContext = createContext<Opening>(createOpening());

/** Whether a component came while the chat was shown; holds for as long as the component does. */
export function useSeenLive(): boolean {
  const opening = useContext(OpeningContext);
  const [live] = useState(() => opening.isOver());
  return live;
}
