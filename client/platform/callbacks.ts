/** Who wants to be called. Each registration counts by itself, also of the same function. */
export class Callbacks {
  readonly #registered = new Set<{ call: () => void }>();

  /** Answers how to stop being called. */
  add(callback: () => void): () => void {
    const registration = { call: callback };
    this.#registered.add(registration);
    return () => void this.#registered.delete(registration);
  }

  readonly callAll = (): void => {
    for (const { call } of this.#registered) call();
  };
}
