import { useId, useRef, useState } from "react";
import type { SnapshotEntry } from "#client/local-store/snapshots.ts";
import { useWorkspace } from "#client/session/workspace.ts";
import { Button } from "#client/ui/button.tsx";
import { Choice } from "#client/ui/choice.tsx";
import { Dialog } from "#client/ui/dialog.tsx";
import { submitting } from "#client/ui/submitting.ts";
import { useWatched } from "#client/ui/use-watched.ts";
import { rerunWords } from "#client/ui/words/rerun-words.ts";
import { snapshotWords } from "#client/ui/words/snapshot-words.ts";
import type { FrozenContent } from "#shared/domain/frozen-content.ts";
import { TITLE_LENGTH, excerptOf } from "#shared/domain/summary.ts";
import { Facts } from "./facts.tsx";
import { parameterWords } from "./parameter-words.ts";
import { rerun } from "./rerun.ts";
import type { RerunNote } from "./rerun-notes.ts";
import { modelToAsk, promptsOf } from "./rerun-state.ts";
import { titleOf } from "./snapshot-title.ts";
import { modelsOf } from "./take-state.ts";
import { useFrozenContent } from "./use-frozen-content.ts";
import { useModelNames } from "./use-model-names.ts";
import { useOnline } from "./use-online.ts";
import "#client/ui/form.css";

interface RerunDialogProps {
  entry: SnapshotEntry;
  onAsked: (note: RerunNote) => void;
  onClose: () => void;
}

/** Asks which model shall answer what a snapshot asked, and says what is sent to it. */
export function RerunDialog({ entry, onAsked, onClose }: RerunDialogProps) {
  const online = useOnline();
  const { read } = useFrozenContent(entry.summary.id, online);
  const prompts = read.type === "read" ? promptsOf(read.content) : undefined;
  return (
    <Dialog title={rerunWords.title} about={rerunWords.about} onClose={onClose}>
      {read.type === "reading" ? (
        <p className="form-hint">{rerunWords.reading}</p>
      ) : read.type === "read" && prompts ? (
        <RerunForm {...{ entry, onAsked, onClose, online, prompts }} content={read.content} />
      ) : (
        <p className="form-failed">{read.type === "read" ? rerunWords["no-prompt"] : rerunWords.unread}</p>
      )}
    </Dialog>
  );
}

interface RerunFormProps extends RerunDialogProps {
  online: boolean;
  content: FrozenContent;
  /** what of it is asked again */
  prompts: FrozenContent;
}

function RerunForm({ entry, online, content, prompts, onAsked, onClose }: RerunFormProps) {
  const { models } = useWorkspace();
  const offered = useWatched(models, () => models.models())?.models ?? [];
  const nameOf = useModelNames();
  const before = modelsOf(content).at(-1);
  const [chosen, setChosen] = useState<string>();
  const model = chosen ?? modelToAsk(offered, before);
  const { failure, ask } = useRerun({ entry, content, onAsked, onClose });
  const isGone = before !== undefined && offered.length > 0 && !offered.some(({ id }) => id === before);
  return (
    <form className="form" onSubmit={submitting(() => ask(model))}>
      {model === undefined ? (
        <p className="form-failed">{rerunWords.noModels}</p>
      ) : (
        <Choice
          label={rerunWords.model}
          {...(isGone && { hint: rerunWords.notOffered(nameOf(before)) })}
          options={offered.map(({ id, name }) => [id, id === before ? rerunWords.answeredBefore(name) : name] as const)}
          value={model}
          onChoose={setChosen}
        />
      )}
      <Sent prompts={prompts} />
      <p className="form-hint">{rerunWords.where}</p>
      {!online && <p className="form-hint">{rerunWords.offline}</p>}
      {failure !== undefined && (
        <p className="form-failed" role="alert">
          {failure}
        </p>
      )}
      <div className="form-buttons snapshot-buttons">
        <Button look="soft" onClick={onClose}>
          {rerunWords.cancel}
        </Button>
        <Button look="primary" type="submit" disabled={model === undefined}>
          {rerunWords.run}
        </Button>
      </div>
    </form>
  );
}

/** What the model is given. */
function Sent({ prompts: { manifest, messages } }: { prompts: FrozenContent }) {
  const id = useId();
  const { systemPrompt, parameters } = manifest.settings;
  const text = snapshotWords.take;
  return (
    <section className="snapshot-contents" aria-labelledby={id}>
      <h3 id={id}>{rerunWords.sent}</h3>
      <Facts
        lines={[
          [rerunWords.prompt, excerptOf(messages.at(-1)?.text ?? "")],
          [rerunWords.messages, snapshotWords.messages(messages.length)],
          [rerunWords.systemPrompt, systemPrompt === "" ? text.no : text.yes],
          [rerunWords.parameters, parameterWords(parameters)],
        ]}
      />
    </section>
  );
}

/** Asks once, however often it is pressed. */
function useRerun({ entry, content, onAsked, onClose }: RerunDialogProps & { content: FrozenContent }) {
  const workspace = useWorkspace();
  const nameOf = useModelNames();
  const [failure, setFailure] = useState<string>();
  const busy = useRef(false);
  const { id, contentId, conversationId } = entry.summary;
  const ask = async (model: string | undefined): Promise<void> => {
    if (busy.current || model === undefined) return;
    busy.current = true;
    setFailure(undefined);
    const title = rerunWords.resultTitle(titleOf(entry.summary), nameOf(model)).slice(0, TITLE_LENGTH);
    const asked = await rerun(workspace, { snapshotId: id, contentId, conversationId, content, model, title });
    busy.current = false;
    if (!asked.ok) return setFailure(rerunWords[asked.failure]);
    onAsked({ of: id, model, ...asked.value });
    onClose();
  };
  return { failure, ask };
}
