import { useEffect, useEffectEvent, useState } from "react";
import type { ComponentType, ReactNode } from "react";
import { useToast } from "./toast.tsx";
import { words } from "./words/words.ts";

interface Closable {
  /** the part is done, or could not be fetched */
  onClose: () => void;
}

/** A part that opens when a person asks for it, with the way to fetch its code ahead. */
interface LazyPart<Props> {
  /** `meanwhile` stands in its place until its code is here */
  Part: ComponentType<Props & { meanwhile?: ReactNode }>;
  /** Fetches the code; a try that fails is made again when the part opens. */
  preload: () => void;
}

/**
 * A part of the page whose code is fetched when it first opens. Where it cannot be fetched, words say why and the part
 * closes: opening it again tries again.
 */
export function lazyPart<Props extends Closable>(load: () => Promise<ComponentType<Props>>): LazyPart<Props> {
  let loaded: ComponentType<Props> | undefined;
  const fetchCode = async (): Promise<ComponentType<Props>> => (loaded ??= await load());

  function Part({ meanwhile, ...rest }: Props & { meanwhile?: ReactNode }) {
    const props = rest as unknown as Props;
    const [Loaded, setLoaded] = useState(() => loaded);
    const toast = useToast();
    const onMissing = useEffectEvent(() => {
      props.onClose();
      toast(
        navigator.onLine
          ? { text: words.app.partMissing, action: { label: words.app.reload, run: () => location.reload() } }
          : { text: words.app.partOffline },
      );
    });
    useEffect(() => {
      if (Loaded) return;
      let left = false;
      const open = async (): Promise<void> => {
        try {
          const component = await fetchCode();
          if (!left) setLoaded(() => component);
        } catch {
          if (!left) onMissing();
        }
      };
      void open();
      return () => {
        left = true;
      };
    }, [Loaded]);
    return Loaded ? <Loaded {...props} /> : meanwhile;
  }
  return { Part, preload: () => void fetchCode().catch(() => undefined) };
}
