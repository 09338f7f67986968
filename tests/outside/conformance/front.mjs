// The conformance suite speaks streamable HTTP and fourhands lines on stdio, so this stands between them: for each HTTP
// session it starts one process, `fourhands bridge`, and passes on each message as it is.
//
//     node front.mjs COMMAND ARGUMENT...      prints its address, and ends with its stdin

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

const [command, ...args] = process.argv.slice(2);
const sessions = new Map();

/** The HTTP side of a session, tied to a bridge of its own. */
async function open(port) {
  const bridge = new StdioClientTransport({ command, args, stderr: "inherit" });
  // Which request a message belongs to, for HTTP has a stream for each.
  const tokens = new Map();
  let latest;
  const http = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, http),
    enableDnsRebindingProtection: true,
    allowedHosts: [`127.0.0.1:${port}`, `localhost:${port}`],
  });
  http.onmessage = (message) => {
    if (message.method && message.id !== undefined) {
      latest = message.id;
      const token = message.params?._meta?.progressToken;
      if (token !== undefined) tokens.set(token, message.id);
    }
    bridge.send(message).catch(console.error);
  };
  bridge.onmessage = (message) => {
    const token = message.params?.progressToken;
    const isAnswer = message.method === undefined;
    const relatedRequestId = isAnswer ? undefined : (tokens.get(token) ?? latest);
    http.send(message, { relatedRequestId }).catch(console.error);
  };
  http.onclose = () => bridge.close();
  await http.start();
  await bridge.start();
  return http;
}

const server = createServer(async (request, response) => {
  const id = request.headers["mcp-session-id"];
  if (id !== undefined && !sessions.has(id)) return response.writeHead(404).end();
  const http = sessions.get(id) ?? (await open(server.address().port));
  await http.handleRequest(request, response);
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
process.stdin.resume().on("end", () => process.exit());
