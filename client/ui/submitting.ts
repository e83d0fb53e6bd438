/** Sends a form by our own means. */
export const submitting = (submit: () => Promise<void>) => (event: { preventDefault(): void }) => {
  event.preventDefault();
  void submit();
};
