import { useId, useState } from "react";
import type { KeyboardEvent } from "react";
import { IconButton } from "#client/ui/button.tsx";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import { splitTyped, suggestedTags, withTyped } from "./tags-state.ts";

interface TagFieldProps {
  tags: readonly string[];
  /** tags in use, to choose from */
  known: readonly string[];
  onChange: (tags: string[]) => void;
  /** what is typed of one that is not finished; whoever saves takes it as one */
  typed: string;
  onType: (typed: string) => void;
}

/** Tags as a list, and a field to add some: comma or Enter after each, Backspace in the empty field takes the last. */
export function TagField({ tags, known, onChange, typed, onType }: TagFieldProps) {
  const id = useId();
  const text = snapshotWords.tags;
  const add = (): void => {
    onChange(withTyped(tags, typed));
    onType("");
  };
  const onKey = (event: KeyboardEvent<HTMLInputElement>): void => {
    // Safari ends the composition before this event; it marks the key with 229 instead.
    if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
    if (event.key === "Enter" && typed.trim() !== "") {
      event.preventDefault();
      add();
    }
    if (event.key === "Backspace" && typed === "" && tags.length > 0) onChange(tags.slice(0, -1));
  };
  return (
    <div className="field tag-field">
      <label htmlFor={id}>{text.label}</label>
      {tags.length > 0 && <TagList tags={tags} onRemove={(tag) => onChange(tags.filter((one) => one !== tag))} />}
      <input
        id={id}
        list={`${id}-known`}
        aria-describedby={`${id}-hint`}
        autoComplete="off"
        dir="auto"
        value={typed}
        onChange={(event) => {
          const split = splitTyped(tags, event.target.value);
          if (split.tags.length !== tags.length) onChange(split.tags);
          onType(split.rest);
        }}
        onKeyDown={onKey}
      />
      <datalist id={`${id}-known`}>
        {suggestedTags(known, tags).map((tag) => (
          <option key={tag} value={tag}>
            {tag}
          </option>
        ))}
      </datalist>
      <span className="field-hint" id={`${id}-hint`}>
        {text.hint}
      </span>
    </div>
  );
}

/** Tags to read, or to remove one by one. */
export function TagList({ tags, onRemove }: { tags: readonly string[]; onRemove?: (tag: string) => void }) {
  return (
    <ul className="tag-list" aria-label={snapshotWords.tags.label}>
      {tags.map((tag) => (
        <li key={tag} className="tag">
          <span dir="auto">{tag}</span>
          {onRemove && <IconButton icon="close" label={snapshotWords.tags.remove(tag)} onClick={() => onRemove(tag)} />}
        </li>
      ))}
    </ul>
  );
}

/** Tags that are edited, until they are saved: then what is typed counts as one. */
export function useTags(start: readonly string[]) {
  const [tags, setTags] = useState<readonly string[]>(start);
  const [typed, setTyped] = useState("");
  const field = { tags, typed, onChange: setTags, onType: setTyped };
  return { field, all: () => withTyped(tags, typed) };
}
