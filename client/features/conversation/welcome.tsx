import { useWorkspace } from "#client/session/workspace.ts";
import { useWatched } from "#client/ui/use-watched.ts";
import { words } from "#client/ui/words/words.ts";

/** A chat nobody wrote in yet: what Holdfast is, who answers, and something to begin with. */
export function Welcome({ onPrompt }: { onPrompt: (text: string) => void }) {
  const { models } = useWorkspace();
  const catalogue = useWatched(models, () => models.models());
  const onlyGuide = catalogue !== undefined && catalogue.models.every((model) => model.kind === "guide");
  return (
    <section className="welcome" aria-labelledby="welcome-title">
      <h2 id="welcome-title">{words.welcome.title}</h2>
      <p>{words.welcome.about}</p>
      {onlyGuide && (
        <p className="welcome-guide">
          {words.welcome.guide} {words.welcome.connect}
        </p>
      )}
      <ul aria-label={words.welcome.promptsLabel}>
        {(onlyGuide ? words.welcome.guidePrompts : words.welcome.prompts).map((prompt) => (
          <li key={prompt}>
            <button type="button" className="welcome-prompt" onClick={() => onPrompt(prompt)}>
              {prompt}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
