/**
 * Code that nothing waits for: it is fetched now, and again whenever it is asked for and is not here.
 * Until then there is nothing.
 */
export function openFetchedCode<T>(load: () => Promise<T>): () => T | undefined {
  let code: { value: T } | undefined;
  let loading = false;
  const fetchCode = (): void => {
    if (loading) return;
    loading = true;
    load().then(
      (value) => void (code = { value }),
      () => void (loading = false),
    );
  };
  fetchCode();
  return () => {
    if (!code) fetchCode();
    return code?.value;
  };
}
