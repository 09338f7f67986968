// What the TypeScript clients have in common: the lines that the test speaks with them. See README.md beside this file.

import { createInterface } from "node:readline";

export const tell = (line) => process.stdout.write(JSON.stringify(line) + "\n");

export const updated = (uri) => tell({ event: "updated", uri });

/** What a call is made with: no time limit that matters, a way to cancel it, and what it says on the way. */
export const options = (line, signal) => ({
  signal,
  timeout: 300_000,
  onprogress: ({ message }) => tell({ event: "progress", of: line.id, message }),
});

/** A result of a tool. */
export function simple(result) {
  const of = (type) => result.content.filter((block) => block.type === type);
  return {
    text: of("text").map((block) => block.text).join("\n"),
    images: of("image").map((block) => block.data),
    structured: result.structuredContent ?? null,
    is_error: result.isError ?? false,
  };
}

/** Does what the lines of stdin ask for, side by side, until they end. */
export async function drive(protocol, commands) {
  tell({ event: "ready", protocol });
  const calls = new Map();
  for await (const text of createInterface({ input: process.stdin })) {
    const line = JSON.parse(text);
    if (line.do === "cancel") {
      calls.get(line.of).abort("a test");
      continue;
    }
    const controller = new AbortController();
    calls.set(line.id, controller);
    commands[line.do](line, controller.signal).then(
      (result) => tell({ id: line.id, result: result ?? null }),
      (error) => tell({ id: line.id, error: controller.signal.aborted ? "cancelled" : String(error) }),
    );
  }
}
