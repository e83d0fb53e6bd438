import { useEffect, useState } from "react";
import { IconButton } from "./button.tsx";
import { copyText } from "./clipboard.ts";
import { useToast } from "./toast.tsx";
import { words } from "./words/words.ts";

const COPIED_MS = 1500;

interface CopyTextProps {
  text: string;
  label?: string;
  /** what the button is called while the text was just copied */
  done?: string;
}

/** Puts a text on the clipboard, and shows for a moment that it is there. */
export function CopyText({ text, label = words.chat.copy, done = words.chat.copied }: CopyTextProps) {
  const [copied, setCopied] = useState(false);
  const toast = useToast();
  const copy = async (): Promise<void> => {
    if (await copyText(text)) setCopied(true);
    else toast({ text: words.app.cannotCopy });
  };
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return <IconButton icon={copied ? "check" : "copy"} label={copied ? done : label} onClick={() => void copy()} />;
}
