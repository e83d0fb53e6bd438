import { createRoot } from "react-dom/client";
import { App } from "#client/app/app.tsx";
import { inMemoryWorkspace } from "#tests/support/in-memory-workspace.ts";
import { scenes } from "./scenes.ts";

const parameters = new URLSearchParams(location.search);
const scene = scenes[parameters.get("scene") ?? "empty"];
if (!scene) throw new Error("No such scene");
localStorage.clear();
const world = inMemoryWorkspace({ now: Date.now(), ...(scene.models ? { models: scene.models } : {}) });
const shown = scene.play(world);
history.replaceState(null, "", scene.path ?? (shown === undefined ? "/" : `/c/${shown}`));
const root = document.getElementById("root");
if (root) createRoot(root).render(<App workspace={world.workspace} />);
