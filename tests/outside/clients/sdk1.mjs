// The official TypeScript client, version 1.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { drive, options, simple, updated } from "./lines.mjs";

const [command, ...args] = process.argv.slice(2);
const transport = new StdioClientTransport({ command, args });
let protocol;
transport.setProtocolVersion = (version) => (protocol = version);
const client = new Client({ name: "sdk1", version: "1" });
client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => updated(params.uri));
await client.connect(transport);
await drive(protocol, {
  tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
  call: async (line, signal) =>
    simple(await client.callTool({ name: line.tool, arguments: line.arguments }, undefined, options(line, signal))),
  read: async (line) => (await client.readResource({ uri: line.uri })).contents[0].text,
  watch: async (line) => void (await client.subscribeResource({ uri: line.uri })),
});
await client.close();
