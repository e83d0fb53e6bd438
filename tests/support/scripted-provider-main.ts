import { answer } from "./provider-behaviour.ts";
import { openScriptedProvider } from "./scripted-provider.ts";

// For trying things by hand: PORT (0), TEXT, PACE_MS (25), then point OPENAI_BASE_URL at the printed URL.
const text = process.env["TEXT"] ?? "Every word of this answer was scripted. ".repeat(40);
const everyMs = Number(process.env["PACE_MS"] ?? 25);
const provider = await openScriptedProvider({
  port: Number(process.env["PORT"] ?? 0),
  otherwise: answer(text, { pace: everyMs > 0 ? { everyMs } : "flood" }),
});
process.stdout.write(`${provider.baseUrl}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void provider.close());
