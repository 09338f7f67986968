"""Frameworks on version 1 of the Python SDK, which sends no cancellation: a call that is given up runs on."""

import asyncio
from contextlib import asynccontextmanager

from autogen_ext.tools.mcp import McpWorkbench, StdioServerParams
from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams
from google.genai import types as genai
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp import StdioServerParameters
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_calling_utils import kernel_function_metadata_to_function_call_format
from semantic_kernel.connectors.mcp import MCPStdioPlugin
from semantic_kernel.contents import ImageContent, TextContent
from smolagents import MCPClient

from .job import Framework, Seen, TimeIsOver


class LangChain(Framework):
    name = "langchain-mcp-adapters"

    @asynccontextmanager
    async def connect(self, command, environment):
        server = {"transport": "stdio", "command": command[0], "args": command[1:], "env": environment}
        async with MultiServerMCPClient({"fourhands": server}).session("fourhands") as session:
            self.tools = {tool.name: tool for tool in await load_mcp_tools(session)}
            yield

    async def schemas(self):
        for strict in (False, True):
            schemas = {name: convert_to_openai_tool(tool, strict=strict) for name, tool in self.tools.items()}
        return {name: schema["function"]["parameters"] for name, schema in schemas.items()}

    async def call(self, tool, **arguments):
        message = await self.tools[tool].ainvoke({"type": "tool_call", "id": "1", "name": tool, "args": arguments})
        texts = [block["text"] for block in message.content if block["type"] == "text"]
        images = sum(block["type"] == "image" for block in message.content)
        return Seen("\n".join(texts), images, message.status == "error")


class LangChainPerCall(LangChain):
    """The tools of `get_tools`, each call of which connects anew."""

    name = "langchain-per-call"
    tells_cancel = True
    connects_anew = True

    @asynccontextmanager
    async def connect(self, command, environment):
        server = {"transport": "stdio", "command": command[0], "args": command[1:], "env": environment}
        self.tools = {tool.name: tool for tool in await MultiServerMCPClient({"fourhands": server}).get_tools()}
        yield


class SemanticKernel(Framework):
    """It lists the tools again when they change, within the handler that its answer would have to pass."""

    name = "semantic-kernel"
    tells_errors = False

    @asynccontextmanager
    async def connect(self, command, environment):
        async with MCPStdioPlugin(name="fourhands", command=command[0], args=command[1:], env=environment) as plugin:
            self.kernel = Kernel()
            self.plugin = self.kernel.add_plugin(plugin)
            yield

    async def schemas(self):
        functions = self.plugin.functions.items()
        formats = {name: kernel_function_metadata_to_function_call_format(it.metadata) for name, it in functions}
        return {name: it["function"]["parameters"] for name, it in formats.items()}

    async def call(self, tool, **arguments):
        contents = (await self.kernel.invoke(self.plugin[tool], **arguments)).value
        texts = [content.text for content in contents if isinstance(content, TextContent)]
        return Seen("\n".join(texts), sum(isinstance(content, ImageContent) for content in contents), None)


class AutoGen(Framework):
    name = "autogen"
    limit = StdioServerParams(command="").read_timeout_seconds

    @asynccontextmanager
    async def connect(self, command, environment):
        parameters = StdioServerParams(command=command[0], args=command[1:], env=environment)
        async with McpWorkbench(parameters) as self.workbench:
            yield

    async def schemas(self):
        return {tool["name"]: tool["parameters"] for tool in await self.workbench.list_tools()}

    async def call(self, tool, **arguments):
        result = await self.workbench.call_tool(tool, arguments)
        texts = [part.content for part in result.result if part.type == "TextResultContent"]
        if result.is_error and texts[0].startswith("Timed out while waiting"):
            raise TimeIsOver
        return Seen("\n".join(texts), len(result.result) - len(texts), result.is_error)


class SmolAgents(Framework):
    """It takes the first content of a result alone."""

    name = "smolagents"
    shows_images = False
    tells_errors = False
    tells_cancel = None

    @asynccontextmanager
    async def connect(self, command, environment):
        server = StdioServerParameters(command=command[0], args=command[1:], env=environment)
        client = await asyncio.to_thread(MCPClient, server, structured_output=False)
        self.tools = {tool.name: tool for tool in client.get_tools()}
        try:
            yield
        finally:
            await asyncio.to_thread(client.disconnect)

    async def schemas(self):
        return {name: {"properties": tool.inputs} for name, tool in self.tools.items()}

    async def call(self, tool, **arguments):
        return Seen(await asyncio.to_thread(self.tools[tool], **arguments), 0, None)


class Scripted(BaseLlm):
    """A model that calls one tool, and keeps what it gets."""

    tool: str
    arguments: dict
    seen: list = []
    declarations: dict = {}

    async def generate_content_async(self, request, stream=False):
        response = request.contents[-1].parts[0].function_response
        if response is None:
            self.declarations.update({it.name: it for it in request.config.tools[0].function_declarations})
            part = genai.Part.from_function_call(name=self.tool, args=self.arguments)
        else:
            self.seen.append(response)
            part = genai.Part(text="done")
        yield LlmResponse(content=genai.Content(role="model", parts=[part]))


class GoogleAdk(Framework):
    """It hands the content of a result to the model as JSON, in which a picture would be base64."""

    name = "google-adk"
    limit = StdioConnectionParams.model_fields["timeout"].default
    shows_images = False

    @asynccontextmanager
    async def connect(self, command, environment):
        server = StdioServerParameters(command=command[0], args=command[1:], env=environment)
        self.toolset = McpToolset(connection_params=StdioConnectionParams(server_params=server))
        yield
        await self.toolset.close()

    async def ask(self, tool, arguments):
        model = Scripted(model="scripted", tool=tool, arguments=arguments)
        runner = InMemoryRunner(agent=LlmAgent(name="agent", model=model, tools=[self.toolset]))
        session = await runner.session_service.create_session(app_name=runner.app_name, user_id="user")
        message = genai.Content(role="user", parts=[genai.Part(text="go")])
        async for _ in runner.run_async(user_id="user", session_id=session.id, new_message=message):
            pass
        return model

    async def schemas(self):
        model = await self.ask("session_history", {})
        return {name: it.parameters_json_schema for name, it in model.declarations.items()}

    async def call(self, tool, **arguments):
        response = (await self.ask(tool, arguments)).seen[-1].response
        if "Timed out while waiting" in response.get("error", ""):
            raise TimeIsOver
        texts = [part["text"] for part in response["content"] if part["type"] == "text"]
        return Seen("\n".join(texts), len(response["content"]) - len(texts), response["isError"])


ALL = [LangChain, LangChainPerCall, SemanticKernel, AutoGen, SmolAgents, GoogleAdk]
