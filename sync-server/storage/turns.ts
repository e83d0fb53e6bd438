/** Lets single requests pass at any time, except while somebody holds the turn for several in a row. */
export interface Turns {
  /** Runs `send` as soon as nobody holds the turn; at once when nobody does. */
  pass<T>(send: () => Promise<T>): Promise<T>;
  /** Waits for the turn and holds it until the returned function is called. */
  hold(): Promise<() => void>;
}

export function createTurns(): Turns {
  const turn: { held: Promise<void> | undefined } = { held: undefined };

  return {
    async pass(send) {
      // All who wait wake together, and one of them may have taken the turn first.
      while (turn.held) await turn.held;
      return send();
    },
    async hold() {
      while (turn.held) await turn.held;
      return new Promise((holding) => {
        turn.held = new Promise((resolve) => {
          holding(() => {
            turn.held = undefined;
            resolve();
          });
        });
      });
    },
  };
}
