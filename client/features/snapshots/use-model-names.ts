import { useWorkspace } from "#client/session/workspace.ts";
import { useWatched } from "#client/ui/use-watched.ts";

/** Answers what people read as a model's name; its id for one the server no longer offers. */
export function useModelNames(): (id: string) => string {
  const { models } = useWorkspace();
  const catalogue = useWatched(models, () => models.models());
  return (id) => catalogue?.models.find((model) => model.id === id)?.name ?? id;
}
