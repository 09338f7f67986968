// The official TypeScript client, version 2. The first argument is its mode: legacy or auto.

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { drive, options, simple, updated } from "./lines.mjs";

const [mode, command, ...args] = process.argv.slice(2);
const client = new Client({ name: "sdk2", version: "2" }, { versionNegotiation: { mode } });
client.setNotificationHandler("notifications/resources/updated", ({ params }) => updated(params.uri));
await client.connect(new StdioClientTransport({ command, args }));

await drive(client.getNegotiatedProtocolVersion(), {
  tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
  call: async (line, signal) =>
    simple(await client.callTool({ name: line.tool, arguments: line.arguments }, options(line, signal))),
  read: async (line) => (await client.readResource({ uri: line.uri })).contents[0].text,
  watch: async (line) =>
    mode === "legacy"
      ? void (await client.subscribeResource({ uri: line.uri }))
      : void (await client.listen({ resourceSubscriptions: [line.uri] })),
});
await client.close();
