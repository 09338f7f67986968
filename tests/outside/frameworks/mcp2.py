"""Frameworks on version 2 of the Python SDK, which tells the session of a call that is given up, and why."""

import inspect
import json
from contextlib import asynccontextmanager

import agents
from agents.mcp import MCPServerStdio, MCPUtil
from agno.tools.mcp import MCPTools
from fastmcp.client.transports import StdioTransport
from google.genai import _mcp_utils
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import BinaryImage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.profiles.google import GoogleJsonSchemaTransformer
from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer

from .job import SHORT_LIMIT, Framework, Seen, TimeIsOver, check

agents.set_tracing_disabled(True)


class PydanticAi(Framework):
    name = "pydantic-ai"
    tells_cancel = True

    @asynccontextmanager
    async def connect(self, command, environment):
        self.toolset = MCPToolset(StdioTransport(command[0], command[1:], env=environment))
        async with self.toolset:
            yield
        await self.toolset.client.close()

    async def ask(self, answer):
        await Agent(FunctionModel(answer), toolsets=[self.toolset]).run("go")

    async def schemas(self):
        schemas = {}

        def answer(_, info):
            schemas.update({tool.name: tool.parameters_json_schema for tool in info.function_tools})
            return ModelResponse(parts=[TextPart("done")])

        await self.ask(answer)
        for transformer, strict in ((GoogleJsonSchemaTransformer, None), (OpenAIJsonSchemaTransformer, True)):
            schemas = {name: transformer(schema, strict=strict).walk() for name, schema in schemas.items()}
        return schemas

    async def call(self, tool, **arguments):
        returned = []

        def answer(messages, _):
            if len(messages) == 1:
                return ModelResponse(parts=[ToolCallPart(tool, arguments)])
            returned.extend(messages[-1].parts)
            return ModelResponse(parts=[TextPart("done")])

        await self.ask(answer)
        content = returned[0].content
        parts = content if isinstance(content, list) else [content]
        texts = [part for part in parts if isinstance(part, str)]
        images = sum(isinstance(part, BinaryImage) for part in parts)
        return Seen("\n".join(texts), images, returned[0].outcome == "retried")


class LlamaIndex(Framework):
    """It connects anew for each call. The model gets the repr of the whole result, in which a picture is base64."""

    name = "llama-index"
    limit = inspect.signature(BasicMCPClient).parameters["timeout"].default
    tells_limit = True
    tells_cancel = True
    shows_images = False
    tells_errors = False
    connects_anew = True

    @asynccontextmanager
    async def connect(self, command, environment):
        client = BasicMCPClient(command[0], [*command[1:], "--no-images"], environment, timeout=SHORT_LIMIT)
        self.tools = {tool.metadata.name: tool for tool in await McpToolSpec(client).to_tool_list_async()}
        yield

    async def schemas(self):
        tools = {name: tool.metadata.to_openai_tool() for name, tool in self.tools.items()}
        return {name: tool["function"]["parameters"] for name, tool in tools.items()}

    async def call(self, tool, **arguments):
        try:
            output = await self.tools[tool].acall(**arguments)
        except ExceptionGroup as group:
            if "timed out" in str(group.exceptions):
                raise TimeIsOver from group
            raise
        return Seen("\n".join(block.text for block in output.blocks).replace("\\n", "\n"), 0, None)


class Agno(Framework):
    name = "agno"
    limit = inspect.signature(MCPTools).parameters["timeout_seconds"].default
    tells_limit = True
    tells_cancel = True

    @asynccontextmanager
    async def connect(self, command, environment):
        server = StdioServerParameters(command=command[0], args=command[1:], env=environment)
        self.tools = MCPTools(server_params=server, timeout_seconds=SHORT_LIMIT)
        await self.tools.connect()
        yield
        await self.tools.close()

    async def schemas(self):
        return {name: function.to_dict()["parameters"] for name, function in self.tools.functions.items()}

    async def call(self, tool, **arguments):
        result = await self.tools.functions[tool].entrypoint(**arguments)
        if "timed out" in result.content:
            raise TimeIsOver
        # An error is the repr of its content.
        failed = result.content.startswith("Error from MCP tool")
        return Seen(result.content.replace("\\n", "\n"), len(result.images or []), failed)


class Scripted(agents.Model):
    """A model that calls one tool, and keeps what it gets."""

    def __init__(self, tool, arguments):
        self.call = ResponseFunctionToolCall(
            type="function_call", call_id="1", name=tool, arguments=json.dumps(arguments)
        )
        self.seen = None

    async def get_response(self, *_, input, **__):
        output = self.call
        if not isinstance(input, str) and input[-1].get("type") == "function_call_output":
            self.seen = input[-1]["output"]
            text = ResponseOutputText(type="output_text", text="done", annotations=[])
            output = ResponseOutputMessage(
                type="message", id="1", role="assistant", status="completed", content=[text]
            )
        return agents.ModelResponse(output=[output], usage=agents.Usage(), response_id=None)

    def stream_response(self, *_, **__):
        raise NotImplementedError


class OpenAiAgents(Framework):
    name = "openai-agents"
    limit = inspect.signature(MCPServerStdio).parameters["client_session_timeout_seconds"].default
    tells_limit = True
    tells_cancel = True
    tells_errors = False

    @asynccontextmanager
    async def connect(self, command, environment):
        parameters = {"command": command[0], "args": command[1:], "env": environment}
        async with MCPServerStdio(params=parameters) as self.server:
            yield

    async def schemas(self):
        tools = [MCPUtil.to_function_tool(tool, self.server, True) for tool in await self.server.list_tools()]
        check("each schema has a strict form", all(tool.strict_json_schema for tool in tools), tools)
        return {tool.name: tool.params_json_schema for tool in tools}

    async def call(self, tool, **arguments):
        model = Scripted(tool, arguments)
        await agents.Runner.run(agents.Agent(name="agent", model=model, mcp_servers=[self.server]), "go")
        if isinstance(model.seen, str):
            raise TimeIsOver(model.seen)
        texts = [part["text"] for part in model.seen if part["type"] == "input_text"]
        return Seen("\n".join(texts), sum(part["type"] == "input_image" for part in model.seen), None)


class GoogleGenAi(Framework):
    """It converts the tools of a session of the SDK; the calls are those of the SDK."""

    name = "google-genai"
    tells_cancel = True

    @asynccontextmanager
    async def connect(self, command, environment):
        server = StdioServerParameters(command=command[0], args=command[1:], env=environment)
        async with stdio_client(server) as streams, ClientSession(*streams) as self.client:
            await self.client.initialize()
            yield

    async def schemas(self):
        schemas = {}
        for tool in (await self.client.list_tools()).tools:
            for it in _mcp_utils.mcp_to_gemini_tool(tool).function_declarations:
                schemas[it.name] = it.model_dump(exclude_none=True, mode="json")["parameters"]
        return schemas

    async def call(self, tool, **arguments):
        result = await self.client.call_tool(tool, arguments)
        texts = [part.text for part in result.content if part.type == "text"]
        return Seen("\n".join(texts), len(result.content) - len(texts), result.is_error)


ALL = [PydanticAi, LlamaIndex, Agno, OpenAiAgents, GoogleGenAi]
